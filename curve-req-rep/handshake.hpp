// How client.cpp learns that a server refuses it: from a socket monitor (zmq_socket_monitor(3)).
#pragma once

#include <cstring>

#include "common.hpp"

/// Receives a whole message, a string for each frame.
inline std::vector<std::string> receive_frames(void* socket) {
    std::vector<std::string> frames;
    Message frame;
    do {
        check(zmq_msg_recv(frame, socket, 0));
        frames.emplace_back(frame.bytes());
    } while (zmq_msg_more(frame) == 1);
    return frames;
}

/// Reports how each handshake of a socket ends. Converts to the PAIR that you can poll.
class Handshakes {
 public:
    Handshakes(void* context, void* socket)
        : socket_(socket), events_(zmq_socket(context, ZMQ_PAIR)) {
        check(zmq_socket_monitor(socket_, "inproc://events",
                                 ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                                     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                     ZMQ_EVENT_DISCONNECTED));
        check(zmq_connect(events_, "inproc://events"));
    }
    // Ends the monitor before its reader closes, or libzmq's thread waits. Fails after Ctrl-C.
    ~Handshakes() { [[maybe_unused]] const int result = zmq_socket_monitor(socket_, nullptr, 0); }
    operator void*() const { return events_; }

    /// Reads an event. Throws if it means that the server will not serve this client.
    void check_next() {
        // Two frames: the event in 16 bits and its value in 32 bits; the endpoint.
        const auto frames = receive_frames(events_);
        std::uint16_t event = 0;
        std::uint32_t value = 0;
        std::memcpy(&event, frames[0].data(), sizeof event);
        std::memcpy(&value, frames[0].data() + sizeof event, sizeof value);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) closed_ = 0;
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            throw std::runtime_error("refused by the server, ZAP status " + std::to_string(value) +
                                     "\nhint: start the server with --allow and this client's "
                                     ".public file");
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
            throw std::runtime_error(
                "the handshake failed: ZMTP protocol error"
                "\nhint: the server does not use CURVE, or has another key");
        // A server with another key closes the connection. So does a server that ends, but it may
        // come back.
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL && ++closed_ == 3)
            throw std::runtime_error(
                "closed by the server three times during the handshake"
                "\nhint: --server must name the public key of this server");
        // No handshake at all: libzmq takes the answer for that of an old peer, and gives up.
        if (event == ZMQ_EVENT_DISCONNECTED && last_ != ZMQ_EVENT_HANDSHAKE_SUCCEEDED &&
            last_ != ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
            throw std::runtime_error(
                "the server does not speak ZMTP 3"
                "\nhint: --connect must name the endpoint of a CURVE server");
        last_ = event;
    }

 private:
    void* const socket_;
    const Socket events_;
    int last_ = 0;    // the last event
    int closed_ = 0;  // handshakes that the server ended, one after the other
};
