// A socket that a test holds itself: the other side of a program, or an odd one.
#pragma once

#include <string>
#include <vector>

#include "common.hpp"
#include "process.hpp"  // deadline, any_port
#include "tcp.hpp"

using Frames = std::vector<std::string>;  // a message

inline constexpr int deadline_ms = static_cast<int>(deadline.count()) * 1000;

/// Sends one message.
void send(void* socket, const Frames& frames);
/// Receives one message.
Frames receive(void* socket);
/// Returns which of `events` have come within `ms`; 0 if none has.
short poll(void* socket, short events, long ms = deadline_ms);

/// A socket without linger and without a high-water mark, and with the tests' deadline on each send
/// and receive, so that a call that hangs fails the test. Throws where a call fails.
class Peer {
 public:
    explicit Peer(int type) : Peer(nullptr, type) {}
    /// Shares a context; nullptr: has its own.
    Peer(void* context, int type);
    operator void*() const { return socket_; }
    void* context() const { return context_; }

    /// Returns the resolved endpoint.
    std::string bind(const std::string& endpoint);
    Peer& connect(const std::string& endpoint);
    /// Connects, and waits for one of `events` (ZMQ_EVENT_HANDSHAKE_SUCCEEDED, ...).
    Peer& connect_until(const std::string& endpoint, int events);
    Peer& subscribe(const std::string& prefix) { return set(ZMQ_SUBSCRIBE, prefix); }
    Peer& set(int option, int value);
    Peer& set(int option, const std::string& bytes);
    void send(const Frames& frames) { ::send(socket_, frames); }
    Frames receive() { return ::receive(socket_); }

 private:
    const std::optional<Context> own_;
    void* const context_;
    const Socket socket_;
};

/// Reports what happens to a socket's connections. Declare it after its socket, so that it ends
/// first: a monitor whose reader is gone holds up libzmq's thread.
class Monitor {
 public:
    struct Event {
        int id, value;
        std::string endpoint;
    };
    explicit Monitor(const Peer& peer, int events = ZMQ_EVENT_ALL)
        : Monitor(peer.context(), peer, events) {}
    Monitor(void* context, void* socket, int events = ZMQ_EVENT_ALL);
    ~Monitor() { stop(); }
    Monitor(const Monitor&) = delete;
    void stop();
    Event next();
    /// Returns the next event that is one of `ids`, and ignores the others before it.
    Event wait_for(int ids);
    /// For zmq_poll.
    void* reader() const { return reader_; }

 private:
    void* socket_;
    const Peer reader_;
};
