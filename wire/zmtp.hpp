// ZMTP, the protocol that ZeroMQ speaks over tcp and ipc: https://rfc.zeromq.org/spec/37/
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zmtp {

enum : unsigned char { more = 1, large = 2, command = 4 };  // the flags of a frame

/// The first 64 bytes that a peer sends: signature, version 3.minor, mechanism, role, filler.
std::string greeting(std::string_view mechanism = "NULL", char minor = 1);
/// A frame as it stands on the wire: flags, size in one byte or in eight, body.
std::string frame(std::string_view body, unsigned char flags = 0);
/// The body of the command that ends the handshake of NULL.
std::string ready(std::string_view socket_type);

/// Bytes as text for a terminal: the first 40, escaped where they are not printable.
std::string printable(std::string_view bytes, std::uint64_t size);
inline std::string printable(std::string_view bytes) { return printable(bytes, bytes.size()); }

/// One thing that a peer sent.
struct Event {
    std::string kind{};                  // greeting, command, message or bytes
    std::string version{}, mechanism{};  // of a greeting
    std::string name{}, text{};          // of a command
    std::vector<std::string> frames{};   // of a message, printable
    std::uint64_t size = 0;              // on the wire
};

/// Decodes one direction of one connection. Bytes that do not parse become an event of kind
/// `bytes`. It keeps the beginning of each frame only, so a large frame costs no memory.
class Decoder {
 public:
    /// The events that these bytes complete.
    std::vector<Event> feed(std::string_view bytes);
    /// Bytes of a greeting, frame or message that was not completed.
    std::uint64_t unfinished() const { return size_; }

 private:
    enum class State { greeting, head, body, raw };
    void step_greeting();
    void step_head();
    void end_frame();
    void emit(Event event);

    State state_ = State::greeting;
    std::string kept_;         // of the greeting, the head or the body
    std::uint64_t left_ = 0;   // of the body
    std::uint64_t size_ = 0;   // all bytes since the last event
    unsigned char flags_ = 0;  // of the frame
    std::uint64_t body_size_ = 0;
    std::string mechanism_;
    std::vector<std::string> frames_;  // of an unfinished message
    std::vector<Event> events_;
};

}  // namespace zmtp
