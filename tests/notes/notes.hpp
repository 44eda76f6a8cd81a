// What the tests of the notes share, and no claim is about: ownership, whole messages, the monitor,
// forked children. The calls that a claim is about stand in its test case.
#pragma once

#include <zmq.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "process.hpp"  // deadline, any_port, Folder

using namespace std::string_literals;

using Frames = std::vector<std::string>;

inline constexpr int deadline_ms = static_cast<int>(deadline.count()) * 1000;

/// How long a test listens, in ms, where only waiting can show that nothing comes.
inline constexpr int a_while = 100;

/// 0 where a call succeeded, else its error number: CHECK(error_of(zmq_bind(...)) == EADDRINUSE).
inline int error_of(int result) {
    return result == -1 ? zmq_errno() : 0;
}
inline int error_of(const void* result) {
    return result == nullptr ? zmq_errno() : 0;
}

/// For calls that no claim is about: throws where one fails.
inline int must(int result, const std::string& call) {
    if (result == -1) throw std::runtime_error(call + ": " + zmq_strerror(zmq_errno()));
    return result;
}
inline void* must(void* result, const std::string& call) {
    if (result == nullptr) throw std::runtime_error(call + ": " + zmq_strerror(zmq_errno()));
    return result;
}

/// A context, terminated at the end of its block. Goes wherever a `void*` context does.
class Context {
 public:
    Context() : context_(must(zmq_ctx_new(), "zmq_ctx_new")) {}
    ~Context() { term(); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    operator void*() const { return context_; }
    void term() {
        if (context_ == nullptr) return;
        while (zmq_ctx_term(context_) == -1 && zmq_errno() == EINTR) {
        }
        context_ = nullptr;
    }

 private:
    void* context_;
};

/// A socket, closed at the end of its block. Goes wherever a `void*` socket does. No linger, and
/// the tests' deadline on each send and receive: a call that hangs is a failed test.
class Socket {
 public:
    Socket(void* context, int type)
        : context_(context), socket_(must(zmq_socket(context, type), "zmq_socket")) {
        set(ZMQ_LINGER, 0).set(ZMQ_SNDTIMEO, deadline_ms).set(ZMQ_RCVTIMEO, deadline_ms);
    }
    ~Socket() { close(); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    operator void*() const { return socket_; }
    void* context() const { return context_; }
    void close() {
        if (socket_ != nullptr) zmq_close(socket_);
        socket_ = nullptr;
    }

    /// Returns what it was really bound to.
    std::string bind(const std::string& endpoint) {
        must(zmq_bind(socket_, endpoint.c_str()), "zmq_bind " + endpoint);
        char bound[1024];
        size_t size = sizeof bound;
        must(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound, &size), "ZMQ_LAST_ENDPOINT");
        return {bound, size - 1};
    }
    Socket& connect(const std::string& endpoint) {
        must(zmq_connect(socket_, endpoint.c_str()), "zmq_connect " + endpoint);
        return *this;
    }
    Socket& set(int option, int value) {
        must(zmq_setsockopt(socket_, option, &value, sizeof value), "zmq_setsockopt");
        return *this;
    }
    Socket& set(int option, const std::string& bytes) {
        must(zmq_setsockopt(socket_, option, bytes.data(), bytes.size()), "zmq_setsockopt");
        return *this;
    }
    int get(int option) const {
        int value = 0;
        size_t size = sizeof value;
        must(zmq_getsockopt(socket_, option, &value, &size), "zmq_getsockopt");
        return value;
    }

 private:
    void *context_, *socket_;
};

/// Sends one message, a frame each.
inline void send(void* socket, const Frames& frames) {
    for (size_t i = 0; i < frames.size(); ++i)
        must(zmq_send(socket, frames[i].data(), frames[i].size(),
                      i + 1 < frames.size() ? ZMQ_SNDMORE : 0),
             "zmq_send");
}

/// Receives one message, a frame each.
inline Frames receive(void* socket) {
    Frames frames;
    int more = 1;
    while (more == 1) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        must(zmq_msg_recv(&frame, socket, 0), "zmq_msg_recv");
        frames.emplace_back(static_cast<char*>(zmq_msg_data(&frame)), zmq_msg_size(&frame));
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return frames;
}

/// Which of `events` are there within `ms`; none: 0.
inline short poll(void* socket, short events, long ms = deadline_ms) {
    zmq_pollitem_t item{socket, 0, events, 0};
    must(zmq_poll(&item, 1, ms), "zmq_poll");
    return item.revents;
}

/// What happens to a socket's connections, told by a socket monitor. Declare it after its socket,
/// so that it goes first: a monitor whose reader has gone would hold up the I/O thread.
class Monitor {
 public:
    struct Event {
        int id;
        int value;
        std::string address;
    };
    Monitor(void* context, void* socket, int events = ZMQ_EVENT_ALL)
        : socket_(socket), reader_(context, ZMQ_PAIR) {
        static int number = 0;
        const std::string name = "inproc://monitor-" + std::to_string(++number);
        must(zmq_socket_monitor(socket, name.c_str(), events), "zmq_socket_monitor");
        reader_.connect(name);
    }
    ~Monitor() { stop(); }
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;
    void stop() {
        if (socket_ != nullptr) zmq_socket_monitor(socket_, nullptr, 0);
        socket_ = nullptr;
    }
    /// The next event.
    Event next() {
        const Frames frames = receive(reader_);
        uint16_t id;
        uint32_t value;
        std::memcpy(&id, frames.at(0).data(), sizeof id);
        std::memcpy(&value, frames.at(0).data() + sizeof id, sizeof value);
        return {id, static_cast<int>(value), frames.at(1)};
    }
    /// The next event that is one of `ids`; others before it are left out.
    Event wait_for(int ids) {
        while (true)
            if (const Event event = next(); (event.id & ids) != 0) return event;
    }
    /// For zmq_poll.
    void* reader() const { return reader_; }

 private:
    void* socket_;
    Socket reader_;
};

/// A forked process without exec. `work` runs in it and says what it saw with say(); then the child
/// goes by _exit, so that nothing it has inherited is destroyed twice. An alarm kills one that
/// hangs; a signal kills it without a word of Catch2's and without a core.
class Child {
 public:
    using Work = std::function<void(const std::function<void(const std::string&)>& say)>;
    explicit Child(const Work& work) {
        int ends[2];
        if (pipe(ends) == -1) throw std::runtime_error("pipe");
        id_ = fork();
        if (id_ == -1) throw std::runtime_error("fork");
        if (id_ == 0) {
            alarm(static_cast<unsigned>(deadline.count()));
            for (const int number : {SIGABRT, SIGSEGV, SIGTERM}) signal(number, SIG_DFL);
            const rlimit no_core{0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            ::close(ends[0]);
            int status = 0;
            try {
                work([&ends](const std::string& text) {
                    if (write(ends[1], text.data(), text.size()) == -1) _exit(3);
                });
            } catch (...) {
                status = 2;
            }
            _exit(status);
        }
        ::close(ends[1]);
        read_end_ = ends[0];
    }
    ~Child() {
        if (!reaped_) {
            kill(id_, SIGKILL);
            waitpid(id_, nullptr, 0);
        }
        ::close(read_end_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Waits until the child says something more; empty: it has closed its end.
    std::string hear() {
        char buffer[4096];
        ssize_t size;
        while ((size = read(read_end_, buffer, sizeof buffer)) == -1 && errno == EINTR) {
        }
        return {buffer, size > 0 ? static_cast<size_t>(size) : 0};
    }
    /// Waits for the child's end: its exit status, or -N where signal N killed it. Call once.
    int wait() {
        int status = 0;
        while (waitpid(id_, &status, 0) == -1 && errno == EINTR) {
        }
        reaped_ = true;
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }
    /// All that it says until its end.
    std::string words() {
        std::string all;
        for (std::string part; !(part = hear()).empty();) all += part;
        return all;
    }
    int id() const { return id_; }
    /// Where it is heard, for poll.
    int fd() const { return read_end_; }

 private:
    pid_t id_ = -1;
    int read_end_ = -1;
    bool reaped_ = false;
};
