// ZMTP 3, the protocol of ZeroMQ, for peers that a test plays by hand
// (https://rfc.zeromq.org/spec/23/).
#pragma once

#include <cstdint>
#include <string>

#include "tcp.hpp"

namespace zmtp {

using namespace std::string_literals;

inline const std::string greeting =
    "\xff\0\0\0\0\0\0\0\0\x7f\3\0NULL"s + std::string(16 + 1 + 31, '\0');

/// The bytes that a peer of that socket type sends before its first message.
inline std::string handshake(const std::string& type) {
    const std::string ready =
        "\5READY\13Socket-Type\0\0\0"s + static_cast<char>(type.size()) + type;
    return greeting + "\4"s + static_cast<char>(ready.size()) + ready;
}

/// A frame's flags, and its size in eight bytes.
inline std::string header(std::uint64_t size, bool more = false) {
    std::string bytes(1, more ? '\3' : '\2');
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>((size >> shift) & 0xff);
    return bytes;
}

inline std::string frame(const std::string& body, bool more = false) {
    return header(body.size(), more) + body;
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

/// A type that a socket of this type talks to.
inline std::string fitting(const std::string& type) {
    if (type == "REP") return "REQ";
    if (type == "PUB" || type == "XPUB") return "SUB";
    if (type == "PUSH") return "PULL";
    if (type == "PULL") return "PUSH";
    if (type == "ROUTER") return "DEALER";
    return "REP";  // of a DEALER
}

}  // namespace zmtp
