// What lies below the API: a peer that speaks ZMTP 3, the protocol of ZeroMQ, by hand over a TCP
// connection of its own, and a relay that stands between two sockets.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <mutex>
#include <ostream>
#include <thread>

#include "notes.hpp"
#include "zmtp.hpp"

/// The address of a tcp://ADDRESS:PORT.
inline sockaddr_in tcp_address(const std::string& endpoint) {
    const size_t colon = endpoint.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(endpoint.substr(colon + 1))));
    if (inet_pton(AF_INET, endpoint.substr(6, colon - 6).c_str(), &address.sin_addr) != 1)
        throw std::runtime_error("no address: " + endpoint);
    return address;
}

/// A TCP connection to what a ZeroMQ socket has bound.
inline int tcp_connect(const std::string& endpoint) {
    const sockaddr_in address = tcp_address(endpoint);
    const int fd = must(::socket(AF_INET, SOCK_STREAM, 0), "socket");
    must(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return fd;
}

/// A frame as it stands on the wire.
struct WireFrame {
    std::string body;
    bool more;
    bool command = false;
    bool operator==(const WireFrame&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const WireFrame& frame) {
        return out << (frame.command ? "command " : "") << '"' << frame.body << '"'
                   << (frame.more ? " MORE" : "");
    }
};

/// The peer. It is at `endpoint`, or at the other end of a connection that was accepted, what a
/// ZeroMQ socket of type `type` would be.
class Wire {
 public:
    Wire(const std::string& endpoint, const std::string& type)
        : Wire(tcp_connect(endpoint), type) {}
    Wire(int fd, const std::string& type) : fd_(fd) {
        const timeval limit{deadline.count(), 0};
        must(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "SO_RCVTIMEO");
        const int on = 1;  // or the second of two frames waits 40 ms for the receiver's kernel
        must(setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
        write(zmtp::greeting("NULL", 0));
        const std::string greeting = read(64);
        if (greeting[0] != '\xff' || greeting.compare(12, 4, "NULL") != 0)
            throw std::runtime_error("this is no ZMTP 3 with the mechanism NULL");
        // The handshake: each side says READY, and which socket it is.
        send(WireFrame{zmtp::ready(type), false, true});
        if (const WireFrame ready = receive();
            !ready.command || ready.body.rfind("\5READY", 0) != 0)
            throw std::runtime_error("it is not ready");
    }
    ~Wire() { close(); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    void close() {
        if (fd_ != -1) ::close(fd_);
        fd_ = -1;
    }

    void send(const WireFrame& frame) {
        write(zmtp::frame(frame.body,
                          static_cast<unsigned char>((frame.more ? zmtp::more : 0) |
                                                     (frame.command ? zmtp::command : 0))));
    }
    /// Receives one frame.
    WireFrame receive() {
        const std::string head = read(2);
        if ((head[0] & 2) != 0) throw std::runtime_error("only frames below 256 bytes here");
        return {read(static_cast<unsigned char>(head[1])), (head[0] & 1) != 0, (head[0] & 4) != 0};
    }
    /// Returns when the socket at the other end has taken all that was sent before, and what it
    /// had to send itself until then. Each PING is answered with a PONG. What came before the first
    /// one is handed on to the socket before the second one is read.
    std::vector<WireFrame> fence() {
        std::vector<WireFrame> meanwhile;
        for (const std::string turn : {"first", "second"}) {
            send(WireFrame{"\4PING\0\0"s + turn, false, true});
            while (true) {
                const WireFrame frame = receive();
                if (frame == WireFrame{"\4PONG" + turn, false, true}) break;
                meanwhile.push_back(frame);
            }
        }
        return meanwhile;
    }
    /// Whether the other side has neither closed the connection nor sent anything more.
    bool is_open() const {
        char byte;
        return recv(fd_, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
    }
    /// All bytes that still come until the other side closes the connection.
    std::string rest() {
        std::string bytes;
        for (std::string part; !(part = read_some(4096)).empty();) bytes += part;
        return bytes;
    }

 private:
    void write(const std::string& bytes) {
        for (size_t sent = 0; sent < bytes.size();)
            sent += static_cast<size_t>(
                must(static_cast<int>(
                         ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL)),
                     "send"));
    }
    std::string read_some(size_t most) {
        std::string bytes(most, '\0');
        bytes.resize(
            static_cast<size_t>(must(static_cast<int>(recv(fd_, bytes.data(), most, 0)), "recv")));
        return bytes;
    }
    std::string read(size_t size) {
        std::string bytes;
        while (bytes.size() < size) {
            const std::string part = read_some(size - bytes.size());
            if (part.empty()) throw std::runtime_error("the other side has closed the connection");
            bytes += part;
        }
        return bytes;
    }

    int fd_;
};

/// A network between two sockets: connect to endpoint() instead of `target`. It can be held up, and
/// its connections can be cut.
class Relay {
 public:
    explicit Relay(const std::string& target) : target_(target) {
        sockaddr_in address = tcp_address("tcp://127.0.0.1:0");
        socklen_t size = sizeof address;
        must(pipe(wake_), "pipe");
        listener_ = must(::socket(AF_INET, SOCK_STREAM, 0), "socket");
        must(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), "bind");
        must(listen(listener_, 16), "listen");
        must(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this] { run(); });
    }
    ~Relay() {
        ::close(wake_[1]);
        thread_.join();
        for (const Way& way : ways_) ::close(way.from);
        ::close(wake_[0]);
        ::close(listener_);
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    std::string endpoint() const { return endpoint_; }
    /// From here on nothing passes, in neither direction. Connections are still taken.
    void hold_up() { set_held(true); }
    void let_through() { set_held(false); }
    /// Ends every connection that there is, as a broken network does.
    void cut() {
        const std::lock_guard lock(mutex_);
        for (const Way& way : ways_) shutdown(way.from, SHUT_RDWR);
    }

 private:
    struct Way {
        int from, to;
    };

    void set_held(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        must(static_cast<int>(::write(wake_[1], "!", 1)), "write");
    }
    void run() {
        while (true) {
            std::vector<pollfd> items{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
            {
                const std::lock_guard lock(mutex_);
                if (!held_)
                    for (const Way& way : ways_) items.push_back({way.from, POLLIN, 0});
            }
            if (::poll(items.data(), static_cast<nfds_t>(items.size()), -1) == -1) continue;
            const std::lock_guard lock(mutex_);
            char byte;
            if (items[0].revents != 0 && ::read(wake_[0], &byte, 1) == 0) return;
            if (!held_)
                for (size_t i = 2; i < items.size(); ++i)
                    if (items[i].revents != 0) pass(items[i].fd);
            if (items[1].revents != 0) take();
        }
    }
    void take() {
        const int near = must(accept(listener_, nullptr, nullptr), "accept");
        const int far = tcp_connect(target_);
        ways_.push_back({near, far});
        ways_.push_back({far, near});
    }
    void pass(int from) {
        size_t i = 0;
        while (i < ways_.size() && ways_[i].from != from) ++i;
        if (i == ways_.size()) return;  // the other end of its connection has just gone
        const int to = ways_[i].to;
        char bytes[65536];
        const ssize_t size = recv(from, bytes, sizeof bytes, 0);
        bool alive = size > 0;
        for (ssize_t sent = 0; alive && sent < size;) {
            const ssize_t more =
                ::send(to, bytes + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
            alive = more > 0;
            sent += more;
        }
        if (alive) return;
        ways_.erase(ways_.begin() + static_cast<std::ptrdiff_t>(i & ~size_t{1}),
                    ways_.begin() + static_cast<std::ptrdiff_t>(i | 1) + 1);
        ::close(from);
        ::close(to);
    }

    std::string target_, endpoint_;
    int wake_[2], listener_;
    std::mutex mutex_;
    std::vector<Way> ways_;  // two for each connection, one behind the other
    bool held_ = false;
    std::thread thread_;
};
