// The beginning of a connection, for peers that a test plays by hand.
#pragma once

#include "tcp.hpp"
#include "zmtp.hpp"

namespace zmtp {

/// The bytes that a peer of that socket type sends before its first message. In ZMTP 3.0, where a
/// subscription is a message.
inline std::string handshake(const std::string& type) {
    return greeting("NULL", 0) + frame(ready(type), command);
}

/// Goes through the handshake. Returns false if the other side ends the connection.
inline bool shake_hands(RawPeer& peer, const std::string& type) {
    peer.send(handshake(type));
    for (std::string come; come.find("Socket-Type") == come.npos;) {
        const std::string bytes = peer.receive_some();
        if (bytes.empty()) return false;
        come += bytes;
    }
    return true;
}

}  // namespace zmtp
