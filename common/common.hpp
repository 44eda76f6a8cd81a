// What every program needs and no pattern is about: errors, ownership, options, Ctrl-C, text and
// the summary. No call that a pattern teaches is hidden here: programs send, receive, bind, connect
// and poll in the open.
#pragma once

#include <zmq.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Errors -----------------------------------------------------------------------------------------

/// Throws what check() says.
[[noreturn]] void fail(const char* call, std::string_view argument);

/// Returns `result`, that of the zmq_* call named `call`, if the call succeeded. -1 and NULL mean
/// that it failed (man page of each call, "Return value"): then throws an exception that reads
/// "CALL ARGUMENT: REASON", or, where Ctrl-C has ended the call, one that means just that.
inline int check(int result, const char* call, std::string_view argument = {}) {
    if (result == -1) fail(call, argument);
    return result;
}
inline void* check(void* result, const char* call, std::string_view argument = {}) {
    if (result == nullptr) fail(call, argument);
    return result;
}

/// Like check(), but false where the call would have had to wait (EAGAIN: ZMQ_DONTWAIT, or a
/// ZMQ_RCVTIMEO or ZMQ_SNDTIMEO that has passed).
inline bool ready(int result, const char* call, std::string_view argument = {}) {
    if (result == -1 && zmq_errno() != EAGAIN) fail(call, argument);
    return result != -1;
}

/// For `catch (...)` around main: says on standard error what ended the program, and returns its
/// exit status: 0 after --help, 2 after a wrong argument, 1 after a failed call; after Ctrl-C 0, or
/// 128 + the signal's number where the program had not finished.
int exit_status() noexcept;

/// Names a message that makes no sense on standard error: "PROGRAM: left out: WHAT".
void left_out(const std::string& what);

// Ownership: declare the context before its sockets, so that they are closed first ----------------

struct TermContext {
    void operator()(void* context) const noexcept;
};
struct CloseSocket {
    void operator()(void* socket) const noexcept;
};
struct CloseEvents {
    void* of;  // the socket that is monitored
    void operator()(void* socket) const noexcept;
};
using Context = std::unique_ptr<void, TermContext>;  // waits in zmq_ctx_term for unsent messages
using Socket = std::unique_ptr<void, CloseSocket>;
/// The reader of a socket's monitor. Before it is closed the monitor is ended: libzmq's thread
/// would wait for ever to pass an event on to a reader that is gone.
using Events = std::unique_ptr<void, CloseEvents>;

/// A zmq_msg_t that is closed when it goes. One can be received into again and again.
class Message {
 public:
    Message();
    ~Message();
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    zmq_msg_t* get() { return &message_; }
    /// The frame's bytes, until it is sent, closed or received into.
    std::string_view bytes() {
        return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
    }

 private:
    zmq_msg_t message_;
};

/// ZMQ_LINGER in ms (zmq_setsockopt(3)): how long to wait for what is still unsent at Ctrl-C, and
/// at the end of a program whose messages are to arrive. A socket that connects may wait for ever,
/// for a peer that comes back. One that is bound may not: when a peer leaves just then, libzmq
/// would wait for it in vain (session_base.cpp, process_term).
inline constexpr int linger_at_interrupt = 500, linger_at_end = 5000, linger_for_ever = -1;

/// ZMQ_MAXMSGSIZE for sockets that bind over a network: the most bytes that a frame may have.
/// libzmq makes room for a frame when its header has come, and anybody can send a header that says
/// 2^62. One that says too much ends its connection and nothing else (zmq_setsockopt(3)).
inline constexpr std::int64_t largest_frame = 64 << 20;

/// What a socket was really bound to (ZMQ_LAST_ENDPOINT): "tcp://127.0.0.1:40123" for ":*".
std::string last_endpoint(void* socket);

// Options ----------------------------------------------------------------------------------------

/// `--name VALUE`. What `value` points at is the default before parse(), and what was given after.
struct Option {
    const char* name;  // "count N"; a bool has no value: "quiet"; "": only a line in --help
    std::variant<bool*, int*, std::string*, std::vector<std::string>*> value;  // vector: repeatable
    const char* help;
    int least = 0, most = INT_MAX;  // the range of an int
};
inline constexpr const char* quiet_help = "only the endpoints and a summary, with time and rate";

/// Reads the command line. Throws, for exit_status(), after --help and for a wrong argument. Makes
/// standard output line buffered, so that each line can be seen at once, also through a pipe.
void parse(int argc, char** argv, const char* sentence, const std::vector<Option>& options);

/// For what parse() cannot see, such as options that do not go together.
[[noreturn]] void wrong_argument(const std::string& what);

/// The number that `digits` are, nothing else among them; nothing when they are no number.
std::optional<int> number(std::string_view digits);

// Ctrl-C -----------------------------------------------------------------------------------------

/// From here on SIGINT and SIGTERM are blocked in every thread and waited for by one, which calls
/// zmq_ctx_shutdown: a call that is blocked on a socket, or would block later, ends with ETERM, and
/// check() throws. A second signal kills. What takes longer than 0.7 s after the first (messages
/// that nobody takes can hold up zmq_ctx_term for ever) is cut off. A program has one, made before
/// its threads.
class Interrupt {
 public:
    enum Ends { by_itself, when_stopped };
    Interrupt(void* context, Ends ends);
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    /// Simulated work, or the interval between two messages, in ms. Throws at once on Ctrl-C.
    void pause(int ms) const;
};

// Output -----------------------------------------------------------------------------------------

/// `bytes` for a terminal: printable ASCII as it is, a backslash doubled, any other byte as \xNN;
/// from 200 bytes on only the first ones, and how many there are.
std::string text(std::string_view bytes);

/// Prints the program's last line at the end of main and after Ctrl-C, not after an error:
/// "1 reply", "2 replies"; with `quiet`, "2 replies in 0.001 s, 2000/s". Declare it before the
/// sockets, so that Ctrl-C finds it whenever it comes.
class Summary {
 public:
    Summary(const char* one, const char* many, bool quiet);
    /// For other lines than "N replies".
    Summary(std::function<std::string()> lines, bool quiet);
    ~Summary();
    Summary(const Summary&) = delete;
    Summary& operator=(const Summary&) = delete;
    /// The clock runs from the first call of start() on, or else from the beginning.
    void start() {
        if (!started_) start_ = std::chrono::steady_clock::now();
        started_ = true;
    }
    Summary& operator+=(std::int64_t n) {
        count_ += n;
        return *this;
    }
    Summary& operator++() { return *this += 1; }
    std::int64_t count() const { return count_; }

 private:
    std::function<std::string()> lines_;
    bool quiet_, started_ = false;
    std::int64_t count_ = 0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};
