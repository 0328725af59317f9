// To the engine: a Worker of this page where it carries the circuit, else the server that the page came from.
"use strict";

// `hear` gets every message; returns what sends one.
function connect(hear) {
  return document.getElementById("material") ? toWorker(hear) : toServer(hear);
}

function toWorker(hear) {
  const source = document.getElementById("worker").textContent;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => hear(data);
  worker.onerror = (event) => {
    hear({ type: "check", state: "failed", done: 0, of: 0, text: event.message || "the engine did not start" });
  };
  worker.postMessage({ type: "material", packed: JSON.parse(document.getElementById("material").textContent) });
  return (message) => worker.postMessage(message);
}

function toServer(hear) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`);
  const early = [];
  socket.onopen = () => early.splice(0).forEach((message) => socket.send(message));
  socket.onmessage = ({ data }) => hear(unpackedMessage(JSON.parse(data)));
  socket.onclose = () => hear({ type: "error", text: "the server has gone; reload the page when it is back", gone: true });
  return (message) => {
    const text = JSON.stringify(message);
    if (socket.readyState === WebSocket.CONNECTING) early.push(text);
    else if (socket.readyState === WebSocket.OPEN) socket.send(text);
  };
}

// The packed fields of messages.md as a Worker gives them.
function unpackedMessage(message) {
  if (message.type !== "image") return message;
  return { ...message, spikes: Uint8Array.from(atob(message.spikes), (letter) => letter.charCodeAt(0)) };
}
