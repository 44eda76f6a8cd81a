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
    const std::string property = "Socket-Type";  // then the length of the type in four bytes
    std::string come;
    size_t at;
    while ((at = come.find(property)) == come.npos) {
        const std::string some = peer.receive_some();
        if (some.empty()) return "";
        come += some;
    }
    at += property.size() + 4;
    return come.substr(at, static_cast<size_t>(come[at - 1]));
}

/// Goes through the handshake. Returns false if the other side ends the connection.
inline bool shake_hands(RawPeer& peer, const std::string& type) {
    return peer.send(handshake(type)) && !type_of(peer).empty();
}

}  // namespace zmtp
