"""Networks of the chip in NIR, the exchange format of spiking networks (https://neuroir.org, docs/exchange.md)."""
