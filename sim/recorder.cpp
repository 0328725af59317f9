// A recorder beside the core that Verilator made of the circuit: it drives the core's streams as sim/driver.py does, cycle
// by cycle, and keeps what the trace shows, one buffer a port. sim/recorder.py calls it through ctypes, and lab/page/chip.js
// as WebAssembly, where nothing can be thrown: there the page is told what failed, and drops the instance.
//
// A cycle is `tick`: the inputs settle, everything that is looked at is looked at, then the clock rises. Words are 32
// bits each, the lowest first; a port takes as many as it needs.

#include <cstdint>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vcore.h"
#include "verilated.h"

// Verilator's name of a port: no two underscores may follow each other in it.
#define PORT(group, name) chip.group##___05F##name

namespace {

using Words = std::vector<uint32_t>;
enum Status { kDone, kInterrupted, kFailed };
constexpr uint64_t kClockNs = 2;            // as sim/driver.py has it
constexpr uint64_t kPollCycles = 1 << 15;  // between two looks at whether the caller was interrupted

struct Interrupted {};

#ifdef __wasm__
extern "C" __attribute__((import_module("page"), import_name("fail"), noreturn)) void page_fail(const char*, std::size_t);
[[noreturn]] void fail(const std::string& text) { page_fail(text.data(), text.size()); }
[[noreturn]] void interrupt() { __builtin_trap(); }  // nobody interrupts it: there is no `poll`
#else
[[noreturn]] void fail(const std::string& text) { throw std::runtime_error(text); }
[[noreturn]] void interrupt() { throw Interrupted{}; }
#endif

template <typename T>
void append(Words& out, const T& port) {
    out.push_back(uint32_t(port));
    if constexpr (sizeof(T) > 4) out.push_back(uint32_t(uint64_t(port) >> 32));
}
template <std::size_t N>
void append(Words& out, const VlWide<N>& port) {
    for (std::size_t i = 0; i < N; ++i) out.push_back(port[i]);
}
template <typename T>
void store(T& port, const uint32_t* in) {
    uint64_t value = in[0];
    if constexpr (sizeof(T) > 4) value |= uint64_t(in[1]) << 32;
    port = T(value);
}
template <std::size_t N>
void store(VlWide<N>& port, const uint32_t* in) {
    for (std::size_t i = 0; i < N; ++i) port[i] = in[i];
}
template <typename T>
Words words(const T& port) {
    Words found;
    append(found, port);
    return found;
}

// What the core offers on a stream stays until it is taken, or until a reset.
struct Watch {
    const char* name;
    bool offered = false;
    Words payload{}, now{};

    template <typename T>
    void look(bool valid, const T& port, bool leaves, uint64_t cycle) {
        now.clear();
        if (valid || offered) append(now, port);
        if (offered && (!valid || now != payload)) {
            fail("Mismatch: " + std::string(name) + ": what was offered at " + std::to_string((cycle - 1) * kClockNs) +
                 " ns changed before it was taken");
        }
        offered = valid && !leaves;
        if (offered) std::swap(payload, now);
    }
};

class Recorder {
public:
    std::string error;
    uint64_t cycles = 0;
    // In this order: the ports of a chunk's neurons, of a step, of writes to the weight memory.
    enum Kind { kStep, kChunk, kNeurons, kSpikes, kWord, kCounts, kInputs, kWriteStep, kValid, kAddress, kData, kKinds };
    Words trace[kKinds];
    // Of the image whose result was taken last.
    enum Field { kResult, kCounters, kStages, kRows, kRowCycles, kKey, kElapsed, kFields };
    Words fields[kFields];
    Words read_back;  // the weights, as they were read last

    Recorder(int (*poll)(), const uint32_t* idle, uint32_t idles, uint64_t limit)
        : poll_(poll), idle_(idle, idle + idles), limit_(limit) {}

    void start() {
        chip.rst = 1;
        for (int i = 0; i < 3; ++i) tick();
        chip.rst = 0;
        tick();
        watched_ = true;
    }
    void set_key(uint32_t key) {
        chip.key_data = key;
        strobe(chip.key_load);
    }
    void set_halvings(const uint32_t* value) { store(chip.halvings, value); }
    void clear_counters() {
        cleared_ = cycles + 1;  // with its first edge
        strobe(chip.clear_counters);
    }
    void record() {
        neurons_valid_ = PORT(trace, neurons_valid), step_done_ = PORT(trace, step_done);
        write_toggle_ = PORT(trace, write_toggle);
        recording_ = true;
    }
    void command(const uint32_t* payload) {
        pause();
        store(PORT(weights, payload), payload);
        PORT(weights, valid) = 1;
        do tick();
        while (!weights_ready_);
        PORT(weights, valid) = 0;
    }
    void read(Words& out) {
        wait(PORT(weight_data, valid));
        PORT(weight_data, ready) = 1;
        do tick();
        while (!data_.size());
        PORT(weight_data, ready) = 0;
        out.insert(out.end(), data_.begin(), data_.end());
    }
    // The bound on waiting counts from here.
    void patient() { began_ = cycles; }
    // Pixels to be sent, beside whatever else is done.
    void queue(const uint32_t* pixels, uint64_t count, uint64_t width) {
        for (uint64_t i = 0; i < count; ++i) pixels_.emplace_back(pixels + i * width, pixels + (i + 1) * width);
        if (!PORT(images, valid) && !waiting_) next_pixel();
    }
    // Until the result of an image stands: what was measured, then, with the next image's halvings, the result.
    void finish(bool sent, const uint32_t* halvings) {
        patient();
        while (sent && (PORT(images, valid) || waiting_)) tick();
        for (Words& field : fields) field.clear();
        tick();
        wait_always(PORT(results, valid));
        tick();
        const uint64_t elapsed = cycles - cleared_;
        settle();
        append(fields[kElapsed], elapsed);
        append(fields[kStages], PORT(trace, stages));
        append(fields[kRows], PORT(trace, rows));
        append(fields[kRowCycles], PORT(trace, row_cycles));
        tick();
        settle();
        append(fields[kCounters], chip.counters);
        tick();
        clear_counters();
        append(fields[kKey], chip.key);
        set_halvings(halvings);
        wait(PORT(results, valid));
        PORT(results, ready) = 1;
        do tick();
        while (!result_.size());
        PORT(results, ready) = 0;
        fields[kResult] = result_;
    }

private:
    VerilatedContext context;
    Vcore chip{&context};
    int (*poll_)();
    Words idle_;  // idle cycles before each transfer, over and over
    uint64_t limit_, at_ = 0, began_ = 0, cleared_ = 0;
    std::deque<Words> pixels_;
    uint32_t waiting_ = 0;  // idle cycles before the next pixel, and one
    bool watched_ = false, recording_ = false, weights_ready_ = false;
    bool neurons_valid_ = false, step_done_ = false, write_toggle_ = false;
    Watch results_{"results"}, weight_data_{"weight_data"};
    Words result_, data_;  // what was taken with the last edge

    void settle() {
        chip.clk = 0;
        chip.eval();
    }
    void tick() {
        settle();
        look();
        const bool sent = PORT(images, valid) && PORT(images, ready);
        weights_ready_ = PORT(weights, ready);
        chip.clk = 1;
        chip.eval();
        if (++cycles % kPollCycles == 0 && poll_ && poll_()) interrupt();
        if (cycles - began_ > limit_) fail("the core gave no result in " + std::to_string(limit_) + " cycles");
        if (sent) {
            PORT(images, valid) = 0;
            next_pixel();
        } else if (waiting_ && --waiting_ == 0) {
            offer_pixel();
        }
    }
    void look() {
        const bool result = PORT(results, valid), data = PORT(weight_data, valid);
        const bool takes_result = result && PORT(results, ready), takes_data = data && PORT(weight_data, ready);
        result_.clear(), data_.clear();
        if (takes_result) append(result_, PORT(results, payload));
        if (takes_data) append(data_, PORT(weight_data, payload));
        if (watched_) {
            results_.look(result, PORT(results, payload), takes_result || chip.rst, cycles);
            weight_data_.look(data, PORT(weight_data, payload), takes_data || chip.rst, cycles);
        }
        if (recording_) record_events();
    }
    void record_events() {
        if (PORT(trace, neurons_valid) && !neurons_valid_) {
            append(trace[kStep], PORT(trace, step));
            append(trace[kChunk], PORT(trace, neurons_chunk));
            append(trace[kNeurons], PORT(trace, neurons));
            append(trace[kSpikes], PORT(trace, neurons_spikes));
        }
        if (PORT(trace, step_done) && !step_done_) {
            append(trace[kWord], PORT(trace, word));
            append(trace[kCounts], PORT(trace, counts));
            append(trace[kInputs], PORT(trace, inputs));
        }
        if (PORT(trace, write_toggle) != write_toggle_) {
            append(trace[kWriteStep], PORT(trace, write_step));
            append(trace[kValid], PORT(trace, write_valid));
            append(trace[kAddress], PORT(trace, write_address));
            append(trace[kData], PORT(trace, write_data));
        }
        neurons_valid_ = PORT(trace, neurons_valid), step_done_ = PORT(trace, step_done);
        write_toggle_ = PORT(trace, write_toggle);
    }
    template <typename T>
    void strobe(T& port) {
        port = 1;
        tick();
        port = 0;
        tick();
    }
    uint32_t idle() { return idle_.empty() ? 0 : idle_[at_++ % idle_.size()]; }
    void pause() {
        for (uint32_t i = idle(); i != 0; --i) tick();
    }
    // With pauses, those: the core may offer long before or after; else until it offers.
    template <typename T>
    void wait(const T& valid) {
        if (idle_.empty()) wait_always(valid);
        pause();
    }
    template <typename T>
    void wait_always(const T& valid) {
        while (!valid) tick();
    }
    void next_pixel() {
        if (pixels_.empty()) return;
        waiting_ = idle();
        if (!waiting_) offer_pixel();
    }
    void offer_pixel() {
        store(PORT(images, payload), pixels_.front().data());
        PORT(images, valid) = 1;
        pixels_.pop_front();
    }
};

#ifdef __wasm__
template <typename Work>
int guarded(Recorder*, Work work) {
    work();
    return kDone;
}
#else
template <typename Work>
int guarded(Recorder* recorder, Work work) {
    try {
        work();
    } catch (const Interrupted&) {
        return kInterrupted;
    } catch (const std::exception& error) {
        recorder->error = error.what();
        return kFailed;
    }
    return kDone;
}
#endif

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Recorder* recorder_new(int (*poll)(), const uint32_t* idle, uint32_t idles, uint64_t limit) {
    return new Recorder(poll, idle, idles, limit);
}
API void recorder_free(Recorder* recorder) { delete recorder; }
API const char* recorder_error(Recorder* recorder) { return recorder->error.c_str(); }
API uint64_t recorder_cycles(Recorder* recorder) { return recorder->cycles; }

// Reset, key, weights, halvings; then it records, and the counters begin at 0.
API int recorder_begin(Recorder* recorder, uint32_t key, const uint32_t* commands, uint64_t count, uint64_t width,
                   const uint32_t* halvings) {
    return guarded(recorder, [&] {
        recorder->patient();
        recorder->start();
        recorder->set_key(key);
        for (uint64_t i = 0; i < count; ++i) recorder->command(commands + i * width);
        recorder->record();
        recorder->set_halvings(halvings);
        recorder->clear_counters();
    });
}
API void recorder_queue(Recorder* recorder, const uint32_t* pixels, uint64_t count, uint64_t width) {
    recorder->queue(pixels, count, width);
}
// With `sent`, once all that is queued was sent.
API int recorder_finish(Recorder* recorder, int sent, const uint32_t* halvings) {
    return guarded(recorder, [&] { recorder->finish(sent, halvings); });
}
API int recorder_read_weights(Recorder* recorder, const uint32_t* commands, uint64_t count, uint64_t width) {
    return guarded(recorder, [&] {
        recorder->patient();
        recorder->read_back.clear();
        for (uint64_t i = 0; i < count; ++i) {
            recorder->command(commands + i * width);
            recorder->read(recorder->read_back);
        }
    });
}
// Between images: what a host may set.
API int recorder_set_key(Recorder* recorder, uint32_t key) {
    return guarded(recorder, [&] {
        recorder->patient();
        recorder->set_key(key);
    });
}
API int recorder_write_weights(Recorder* recorder, const uint32_t* commands, uint64_t count, uint64_t width) {
    return guarded(recorder, [&] {
        recorder->patient();
        for (uint64_t i = 0; i < count; ++i) recorder->command(commands + i * width);
    });
}
API void recorder_set_halvings(Recorder* recorder, const uint32_t* halvings) { recorder->set_halvings(halvings); }
// Buffers: first those of the trace, then those of the last image, then the weights read. Sets how many words it holds.
API const uint32_t* recorder_buffer(Recorder* recorder, int number, uint64_t* size) {
    const int fields = number - Recorder::kKinds, weights = fields - Recorder::kFields;
    const Words& found = fields < 0    ? recorder->trace[number]
                         : weights < 0 ? recorder->fields[fields]
                                       : recorder->read_back;
    *size = found.size();
    return found.data();
}
API void recorder_clear(Recorder* recorder) {
    for (Words& buffer : recorder->trace) buffer.clear();
}
