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

/// Receives what the other side sends in the handshake, and returns its socket type; "" if it ends
/// the connection.
inline std::string type_of(RawPeer& peer) {
    std::string come;
    size_t at;
    for (std::string some; (at = come.find("Socket-Type")) == come.npos; come += some)
        if ((some = peer.receive_some()).empty()) return "";
    at += 15;  // behind the name, and the length of the type in four bytes
    return come.substr(at, static_cast<size_t>(come[at - 1]));
}

/// Goes through the handshake. Returns false if the other side ends the connection.
inline bool shake_hands(RawPeer& peer, const std::string& type) {
    return peer.send(handshake(type)) && !type_of(peer).empty();
}

}  // namespace zmtp
