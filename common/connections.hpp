// What push-pull and push-pull2 know about their peers.
#pragma once

#include <zmq.h>

#include <cstdint>
#include <map>
#include <set>
#include <string_view>

/// ZMQ_SNDHWM or ZMQ_RCVHWM: no high-water mark.
inline constexpr int no_limit = 0;
/// Where a PULL needs that: at its mark reading pauses, and over ipc, not over tcp, libzmq drops
/// what is still unread when the other side ends meanwhile.
inline bool over_ipc(std::string_view endpoint) {
    return endpoint.substr(0, 4) == "ipc:";
}

/// The connections of a socket, as far as the events of its monitor tell (zmq_socket_monitor(3)).
/// The events come in the order in which they happened: the context has one I/O thread.
class Connections {
 public:
    static constexpr int failures = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                    ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    /// What the monitor has to tell.
    static constexpr int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED |
                                  ZMQ_EVENT_HANDSHAKE_SUCCEEDED | failures | ZMQ_EVENT_DISCONNECTED;
    /// Takes in an event: its first frame, of two.
    void event(std::string_view frame);
    /// Whether one has ever been made, or, where the monitor also tells of
    /// ZMQ_EVENT_CONNECT_RETRIED, could not be made.
    bool tried() const { return tried_; }
    /// How many are open, whoever is at the other end.
    size_t open() const { return known_.size() + new_ones_.size(); }
    /// How many have got through the handshake. One that does not speak ZeroMQ, or has a socket
    /// type that does not fit, never does.
    size_t peers() const { return known_.size() + through_; }

 private:
    // The event of a handshake does not say whose it is: it is one of those in new_ones_. When as
    // many have got through as there are, all of them have, and are known.
    std::set<std::int32_t> known_;
    std::map<std::int32_t, int> new_ones_;  // and how many had ever got through when each came
    size_t through_ = 0;                    // of the new ones
    int ever_ = 0;
    bool tried_ = false;
    bool failed_ = false;  // the connection that ends next has not got through
};
