// A peer that speaks ZMTP 3, the protocol of ZeroMQ, by hand over a TCP connection.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <ostream>

#include "handshake.hpp"
#include "notes.hpp"

namespace notes {

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

/// To the socket at the other end of the connection, this is a ZeroMQ socket of the given type.
class Wire {
 public:
    Wire(const std::string& endpoint, const std::string& type) : Wire(RawPeer(endpoint), type) {}
    Wire(RawPeer connection, const std::string& type) : peer_(std::move(connection)) {
        peer_.send(zmtp::handshake(type));
        const std::string greeting = peer_.receive(64);
        if (greeting[0] != '\xff' || greeting.compare(12, 4, "NULL") != 0)
            throw std::runtime_error("not ZMTP 3 with the mechanism NULL");
        if (const WireFrame ready = receive();
            !ready.command || ready.body.rfind("\5READY", 0) != 0)
            throw std::runtime_error("READY did not come");
    }
    void close() { const RawPeer closed(std::move(peer_)); }
    /// Whether the other side has neither closed the connection nor sent anything.
    bool is_open() const {
        char byte;
        return recv(peer_.fd(), &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
    }

    /// Sends one frame: flags, size in one byte, body.
    void send(const WireFrame& frame) {
        const int flags = (frame.more ? 1 : 0) | (frame.command ? 4 : 0);
        peer_.send(std::string{static_cast<char>(flags), static_cast<char>(frame.body.size())} +
                   frame.body);
    }
    /// Receives one frame.
    WireFrame receive() {
        const std::string head = peer_.receive(2);
        if ((head[0] & 2) != 0) throw std::runtime_error("only frames below 256 bytes here");
        const std::string body = peer_.receive(static_cast<unsigned char>(head[1]));
        return {body, (head[0] & 1) != 0, (head[0] & 4) != 0};
    }
    /// Waits until the socket at the other end has received all earlier frames, and returns the
    /// frames that it has sent meanwhile. It answers each PING with a PONG, and before it reads the
    /// second PING, it has passed on everything that came before the first.
    std::vector<WireFrame> fence() {
        std::vector<WireFrame> meanwhile;
        for (const std::string round : {"first", "second"}) {
            send(WireFrame{"\4PING\0\0"s + round, false, true});
            while (true) {
                const WireFrame frame = receive();
                if (frame == WireFrame{"\4PONG" + round, false, true}) break;
                meanwhile.push_back(frame);
            }
        }
        return meanwhile;
    }
    /// Returns all bytes that come until the other side closes the connection.
    std::string rest() { return peer_.wait_for_end(); }

 private:
    RawPeer peer_;
};

}  // namespace notes
