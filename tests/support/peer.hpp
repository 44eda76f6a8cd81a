// A socket that a test holds itself: the other side of a program, or an odd one.
#pragma once

#include <string>
#include <vector>

/// A socket with a context of its own, linger 0, no high-water mark, and the tests' deadline on
/// each send and receive. Throws where a call fails.
class Peer {
 public:
    explicit Peer(int type);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    Peer& bind(const std::string& endpoint);
    Peer& connect(const std::string& endpoint);
    /// Connects, and waits until that has led to `event` (ZMQ_EVENT_HANDSHAKE_SUCCEEDED, ...).
    Peer& connect_until(const std::string& endpoint, int event);
    /// Binds, and waits until somebody's connection has led to `event`.
    Peer& bind_until(const std::string& endpoint, int event);
    Peer& subscribe(const std::string& prefix);
    Peer& set(int option, int value);
    /// The next event of this socket's monitor, which has been started at `monitor`; turns it off.
    int wait_for_event(const std::string& monitor);
    /// Sends one message, a frame each.
    void send(const std::vector<std::string>& frames);
    /// Receives one message, a frame each.
    std::vector<std::string> receive();
    /// What it was bound to.
    std::string endpoint() const;
    void* get() { return socket_; }

 private:
    void* context_;
    void* socket_;
};

/// A plain TCP connection to tcp://ADDRESS:PORT, for peers that do not speak ZeroMQ.
class RawPeer {
 public:
    explicit RawPeer(const std::string& endpoint);
    ~RawPeer();
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;
    void send(const std::string& bytes);
    /// Exactly so many bytes, or throws: at the other side's end, or after the deadline.
    std::string receive(size_t size);
    /// Waits until the other side has closed the connection, whatever it sends before.
    void wait_for_end();

 private:
    int fd_;
};
