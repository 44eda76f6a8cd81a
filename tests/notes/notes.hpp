// What the tests of the notes share: a context, a socket with libzmq's own high-water marks (a Peer
// has none), forked children. The calls that a claim is about stand in its test.
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
#include <utility>
#include <vector>

#include "catch.hpp"
#include "peer.hpp"

namespace notes {

using namespace std::string_literals;

/// How long a test waits, in ms, if only waiting can show that no message arrives.
inline constexpr int a_while = 100;

/// 0 if a call succeeded, else its error number: CHECK(error_of(zmq_bind(...)) == EADDRINUSE).
inline int error_of(int result) { return result == -1 ? zmq_errno() : 0; }
inline int error_of(const void* result) { return result == nullptr ? zmq_errno() : 0; }

class Context : public ::Context {
 public:
    Context() : ::Context(zmq_ctx_new()) {}
};

/// No linger, and the tests' deadline on each send and receive, so that a call that hangs fails its
/// test.
class Socket : public ::Socket {
 public:
    Socket(void* context, int type) : ::Socket(zmq_socket(context, type)), context_(context) {
        set(ZMQ_LINGER, 0).set(ZMQ_SNDTIMEO, deadline_ms).set(ZMQ_RCVTIMEO, deadline_ms);
    }
    void* context() const { return context_; }
    void close() { const ::Socket closed(std::move(*this)); }

    /// Returns the resolved endpoint.
    std::string bind(const std::string& endpoint) {
        check(zmq_bind(*this, endpoint.c_str()), "zmq_bind " + endpoint);
        char bound[1024];
        size_t size = sizeof bound;
        check(zmq_getsockopt(*this, ZMQ_LAST_ENDPOINT, bound, &size));
        return {bound, size - 1};
    }
    Socket& connect(const std::string& endpoint) {
        check(zmq_connect(*this, endpoint.c_str()), "zmq_connect " + endpoint);
        return *this;
    }
    Socket& set(int option, int value) {
        check(zmq_setsockopt(*this, option, &value, sizeof value));
        return *this;
    }
    Socket& set(int option, const std::string& bytes) {
        check(zmq_setsockopt(*this, option, bytes.data(), bytes.size()));
        return *this;
    }
    int get(int option) const {
        int value = 0;
        size_t size = sizeof value;
        check(zmq_getsockopt(*this, option, &value, &size));
        return value;
    }

 private:
    void* context_;
};

/// A forked process without exec. `work` runs in it and reports with report(). The child ends with
/// _exit, so that it destroys nothing that it has inherited. An alarm kills a child that hangs. A
/// signal kills it without a report from Catch2 and without a core file.
class Child {
 public:
    using Work = std::function<void(const std::function<void(const std::string&)>& report)>;
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

    /// Waits until the child reports more; empty if it has closed its end.
    std::string read() {
        char buffer[4096];
        ssize_t size;
        while ((size = ::read(read_end_, buffer, sizeof buffer)) == -1 && errno == EINTR) {
        }
        return {buffer, size > 0 ? static_cast<size_t>(size) : 0};
    }
    /// Waits until the child ends. Returns its exit status, or -N if signal N killed it. Call once.
    int wait() {
        int status = 0;
        while (waitpid(id_, &status, 0) == -1 && errno == EINTR) {
        }
        reaped_ = true;
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }
    /// Returns all that it reports until it ends.
    std::string read_all() {
        std::string all;
        for (std::string more; !(more = read()).empty();) all += more;
        return all;
    }
    int id() const { return id_; }
    /// The descriptor that read() reads, for poll.
    int fd() const { return read_end_; }

 private:
    pid_t id_ = -1;
    int read_end_ = -1;
    bool reaped_ = false;
};

}  // namespace notes
