// What Verilator's runtime asks of a C++ library that zig's, for wasm32-wasi, has not: threads and files. A page has one
// thread and no files, so locks hold nobody up, and a file is never there. Included before each of its sources.

#pragma once
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>

namespace std {

struct mutex {
    void lock() {}
    void unlock() {}
    bool try_lock() { return true; }
};
struct recursive_mutex : mutex {};

// Verilator names the type of threads, but makes one only for models of several threads.
struct thread {
    struct id {
        bool operator==(const id&) const { return true; }
        bool operator!=(const id&) const { return false; }
    };
    thread() = default;
    template <typename... Arguments>
    explicit thread(Arguments&&...) { __builtin_trap(); }
    void join() {}
    bool joinable() const { return false; }
    static unsigned hardware_concurrency() { return 1; }
};
namespace this_thread {
inline void yield() {}
inline thread::id get_id() { return {}; }
}  // namespace this_thread

// To wait for what nobody can do is an error.
struct condition_variable_any {
    void notify_one() {}
    void notify_all() {}
    template <typename Lock>
    void wait(Lock&) { __builtin_trap(); }
    template <typename Lock, typename Ready>
    void wait(Lock&, Ready ready) { if (!ready()) __builtin_trap(); }
};
using condition_variable = condition_variable_any;

struct absent_file {
    explicit absent_file(const char*) {}
    bool operator!() const { return true; }
};
inline bool getline(absent_file&, string&) { return false; }

}  // namespace std

#define ifstream absent_file
