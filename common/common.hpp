// What every program needs and no pattern teaches: errors, ownership, options, Ctrl-C, output.
// Programs bind, connect, send, receive and poll in their own code.
#pragma once

#include <zmq.h>

#include <chrono>
#include <climits>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// Errors -----------------------------------------------------------------------------------------

/// Throws the exception that check() describes.
[[noreturn]] void fail(std::string_view what, const char* file, int line);

/// Returns the result of a call. A result of -1 means that the call failed: throws "WHAT: REASON".
/// If the user chose an argument, WHAT is the call and that argument; else it is the source line.
inline int check(int result, std::string_view what = {}, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
    if (result == -1) fail(what, file, line);
    return result;
}

/// Like check(), but returns false if the call would have had to wait (longer): EAGAIN.
[[nodiscard]] inline bool check_unless_again(int result, const char* file = __builtin_FILE(),
                                             int line = __builtin_LINE()) {
    if (result == -1 && zmq_errno() != EAGAIN) fail({}, file, line);
    return result != -1;
}

/// For `catch (...)` around main, when the sockets are closed: prints the error, or "interrupted"
/// after Ctrl-C, and returns the exit status.
int report_error() noexcept;

// Ownership: each class converts to what the C API takes -----------------------------------------

/// Declare it before its sockets, so that they are closed first. It waits for unsent messages.
class Context {
 public:
    explicit Context(void* made, const char* file = __builtin_FILE(), int line = __builtin_LINE());
    ~Context();
    Context(const Context&) = delete;
    operator void*() const { return context_; }

 private:
    void* const context_;
};

/// Sets what every socket here should have: ZMQ_MAXMSGSIZE, so that a frame above 64 MiB ends its
/// connection; and ZMQ_LINGER, 5 s at a normal end and 0.5 s after Ctrl-C or an error, none for a
/// REQ, SUB or PULL. A program may set them again. With an infinite linger, closing can hang.
class Socket {
 public:
    explicit Socket(void* made, const char* file = __builtin_FILE(), int line = __builtin_LINE());
    ~Socket();
    Socket(Socket&&) = default;
    operator void*() const { return socket_.get(); }

 private:
    std::unique_ptr<void, int (*)(void*)> socket_;
};

/// A frame. You can receive into it again and again.
class Message {
 public:
    Message() { check(zmq_msg_init(&message_)); }
    ~Message() { [[maybe_unused]] const int result = zmq_msg_close(&message_); }
    Message(const Message&) = delete;
    operator zmq_msg_t*() { return &message_; }
    /// Valid until the next receive or send.
    std::string_view bytes() const {
        return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
    }

 private:
    mutable zmq_msg_t message_;
};

/// Receives and drops the frames that follow `frame` in its message.
void skip_rest(Message& frame, void* socket);

// Options ----------------------------------------------------------------------------------------

/// `--name VALUE`. `value` points at the default; parse() stores the user's value there.
struct Option {
    const char* name;  // "count N"; an option without a value: "quiet"
    std::variant<bool*, int*, std::string*, std::vector<std::string>*> value;  // vector: repeatable
    const char* help;
    int least = 0, most = INT_MAX;  // the range of an int
};

/// Reads the command line; adds --help and --quiet. Throws for --help and for a wrong argument.
void parse(int argc, char** argv, const char* sentence, std::vector<Option> options);

/// Throws for a wrong argument that parse() cannot detect.
[[noreturn]] void reject_argument(const std::string& what);

/// Returns the number that `digits` spell; 0 if they do not spell one.
size_t number(std::string_view digits);

// Ctrl-C -----------------------------------------------------------------------------------------

/// From here on SIGINT or SIGTERM shuts the context down: each call on its sockets, blocked or
/// later, fails with ETERM, and check() throws. Declare one, before threads and sockets.
class Interrupt {
 public:
    explicit Interrupt(void* context);
    ~Interrupt();
    /// Simulated work, or an interval, in ms (0: none). Ctrl-C ends it: throws.
    void pause(int ms) const;
};

// Output -----------------------------------------------------------------------------------------

inline bool quiet = false;  // --quiet; only print() and Summary need it

/// Printable ASCII as it is, other bytes as \xNN; only the first 200 bytes.
std::string printable(std::string_view bytes);
inline std::string printable(const Message& frame) { return printable(frame.bytes()); }
inline std::string printable(std::integral auto n) { return std::to_string(n); }

/// Prints a line, unless --quiet. Bytes that are not printable are escaped.
void print(const auto&... parts) {
    if (!quiet) std::printf("%s\n", (... + printable(parts)).c_str());
}
/// Prints a line on standard error, after the program's name.
void print_error(const std::string& line);
void warn_ignored(const auto&... parts) { print_error("ignored " + (... + printable(parts))); }

/// Prints "listening on ENDPOINT", as resolved: tcp://127.0.0.1:40123 for tcp://127.0.0.1:*.
void print_listening(void* socket);

/// Counts, and prints the program's last line: "2 replies"; "2 of 3 results" if it knows of how
/// many. Declare it before the sockets, so that it also prints after Ctrl-C.
class Summary {
 public:
    Summary(const char* one, const char* many, int of = 0) : one_(one), many_(many), of_(of) {}
    ~Summary();
    std::int64_t count() const { return count_; }
    void operator++() {
        if (count_++ == 0) start_ = Clock::now();
    }

 private:
    using Clock = std::chrono::steady_clock;
    const char *const one_, *const many_;
    const int of_;
    std::int64_t count_ = 0;
    Clock::time_point start_ = Clock::now();
};
