// A board in a program: the top that Verilator made of the circuit, its UART's pins, and a pseudo-terminal.
//
// board CYCLES_PER_BIT: prints the terminal's name, then serves it until standard input ends. CYCLES_PER_BIT is the
// host's idea of a bit; where the circuit's divider is another, the baud rates differ as two clocks do.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <deque>

#include "Vboard.h"
#include "verilated.h"

namespace {

constexpr int kPollCycles = 256;    // between two looks at the terminal while the chip works
constexpr int kRestCycles = 1000;   // of silence, after which the program sleeps until bytes come

// The host's UART: bytes to the pin, by a clock of its own.
class Sender {
public:
    explicit Sender(double bit) : bit_(bit) {}
    void put(uint8_t byte) { queue_.push_back(byte); }
    bool idle() const { return left_ == 0 && queue_.empty(); }
    size_t waiting() const { return queue_.size(); }
    int step() {
        if (left_ == 0) {
            if (queue_.empty()) return 1;
            bits_ = 0x200u | (queue_.front() << 1);
            queue_.pop_front();
            left_ = 10;
            time_ += bit_;
        }
        const int level = bits_ & 1;
        time_ -= 1;
        if (time_ <= 0) {
            bits_ >>= 1;
            if (--left_ != 0) time_ += bit_;
        }
        return level;
    }

private:
    double bit_, time_ = 0;
    unsigned bits_ = 0;
    int left_ = 0;
    std::deque<uint8_t> queue_;
};

// The host's UART: bytes from the pin, each bit read in its middle.
class Receiver {
public:
    explicit Receiver(double bit) : bit_(bit) {}
    bool idle() const { return left_ == 0; }
    // The byte that ends with this cycle, or -1.
    int step(int level) {
        if (left_ == 0) {
            if (last_ == 1 && level == 0) {
                left_ = 9;
                time_ = 1.5 * bit_;
                bits_ = 0;
            }
            last_ = level;
            return -1;
        }
        time_ -= 1;
        if (time_ > 0) return -1;
        time_ += bit_;
        last_ = level;
        if (--left_ != 0) {
            bits_ |= level << (8 - left_);
            return -1;
        }
        return level ? bits_ : -1;  // a byte without a stop bit is lost
    }

private:
    double bit_, time_ = 0;
    int bits_ = 0, left_ = 0, last_ = 1;
};

bool ended(int fd) {  // standard input
    char scratch[64];
    const ssize_t n = read(fd, scratch, sizeof scratch);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace

int main(int argc, char** argv) {
    const double bit = argc > 1 ? atof(argv[1]) : 0;
    if (bit < 2) {
        fprintf(stderr, "usage: board CYCLES_PER_BIT\n");
        return 2;
    }
    signal(SIGINT, SIG_IGN);  // Ctrl-C is the parent's to handle
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
        perror("pseudo-terminal");
        return 1;
    }
    const char* name = ptsname(terminal);
    // Held open, so that a host may come and go.
    const int held = open(name, O_RDWR | O_NOCTTY);
    termios settings{};
    if (held < 0 || tcgetattr(held, &settings) != 0) {
        perror(name);
        return 1;
    }
    cfmakeraw(&settings);
    tcsetattr(held, TCSANOW, &settings);
    fcntl(terminal, F_SETFL, O_NONBLOCK);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    printf("%s\n", name);
    fflush(stdout);

    VerilatedContext context;
    Vboard chip{&context};
    const auto cycle = [&] {
        chip.clk = 0;
        chip.eval();
        chip.clk = 1;
        chip.eval();
    };
    chip.rx = 1;
    chip.rst = 1;
    for (int i = 0; i < 4; ++i) cycle();
    chip.rst = 0;

    Sender sender(bit);
    Receiver receiver(bit);
    std::deque<uint8_t> out;
    uint8_t buffer[512];
    int quiet = 0, until_poll = 0;
    for (;;) {
        chip.rx = sender.step();
        cycle();
        const int byte = receiver.step(chip.tx);
        if (byte >= 0) out.push_back(uint8_t(byte));
        quiet = chip.busy || !sender.idle() || !receiver.idle() ? 0 : quiet + 1;
        if (--until_poll > 0) continue;
        until_poll = kPollCycles;
        if (quiet > kRestCycles && out.empty()) {
            pollfd files[2] = {{terminal, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
            poll(files, 2, -1);
            quiet = 0;
        }
        if (ended(STDIN_FILENO)) return 0;
        if (sender.waiting() < sizeof buffer) {
            const ssize_t n = read(terminal, buffer, sizeof buffer);
            for (ssize_t i = 0; i < n; ++i) sender.put(buffer[i]);
        }
        while (!out.empty()) {
            size_t n = 0;
            while (n < sizeof buffer && n < out.size()) buffer[n] = out[n], ++n;
            const ssize_t written = write(terminal, buffer, n);
            if (written <= 0) break;  // the host does not read: later
            out.erase(out.begin(), out.begin() + written);
        }
    }
}
