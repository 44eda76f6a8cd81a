#include "connections.hpp"

#include <cstring>

void Connections::event(std::string_view frame) {
    // 16 bits: which event; 32 bits: of which connection. Not aligned.
    std::uint16_t event = 0;
    std::int32_t connection = 0;
    std::memcpy(&event, frame.data(), sizeof event);
    std::memcpy(&connection, frame.data() + sizeof event, sizeof connection);
    if (event == ZMQ_EVENT_ACCEPTED || event == ZMQ_EVENT_CONNECTED) new_ones_.insert(connection);
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) ++through_;
    if (event == ZMQ_EVENT_DISCONNECTED && known_.erase(connection) == 0)
        new_ones_.erase(connection);
    if (through_ >= new_ones_.size()) {
        known_.merge(new_ones_);
        through_ = 0;
    }
}
