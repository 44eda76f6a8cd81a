// For the programs that need to know about their peers.
#pragma once

#include "common.hpp"

/// For a PUSH, DEALER or XPUB, before it binds: refuses peers that do not speak ZMTP 3. libzmq
/// takes any bytes for an old ZeroMQ peer, which would be sent tasks, or count as a subscriber.
void refuse_old_peers(void* socket);

/// Whether what an XPUB has received is a subscription (a byte 1, then the topic), or an
/// unsubscription (a byte 0, then the topic).
inline bool is_subscription(const Message& frame) { return frame.bytes().starts_with('\1'); }
inline bool is_unsubscription(const Message& frame) { return frame.bytes().starts_with('\0'); }

/// Waits until peers have connected to a socket that binds, without a sleep: a socket monitor
/// reports each handshake (zmq_socket_monitor(3)). Make one, before the socket binds.
class Peers {
 public:
    Peers(void* context, void* socket);
    ~Peers();
    /// Returns when `n` peers have connected. One that has left since then still counts.
    void wait_for(int n);

 private:
    void* const socket_;
    const Socket events_;
};
