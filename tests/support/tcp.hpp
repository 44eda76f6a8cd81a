// TCP without ZeroMQ, on tcp://ADDRESS:PORT.
#pragma once

#include <string>

/// A connection of a peer that does not speak ZeroMQ, or speaks it by hand.
class RawPeer {
 public:
    explicit RawPeer(const std::string& endpoint);
    explicit RawPeer(int fd);  // takes over a connection
    RawPeer(RawPeer&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    ~RawPeer();
    /// Returns false if the other side has closed the connection.
    bool send(const std::string& bytes);
    /// Returns the bytes that have come, at most that many; none if the other side has closed.
    std::string receive_some(size_t most = 65536);
    /// Returns exactly so many bytes, or throws.
    std::string receive(size_t size);
    /// Reads until the other side closes the connection, and returns all that came before.
    std::string wait_for_end();
    int fd() const { return fd_; }

 private:
    int fd_;
};

/// A port whose connections a test takes by hand.
class Listener {
 public:
    Listener();
    ~Listener();
    Listener(const Listener&) = delete;
    /// Waits for a connection.
    RawPeer take() const;
    const std::string& endpoint() const { return endpoint_; }
    int fd() const { return fd_; }

 private:
    const int fd_;
    std::string endpoint_;
};
