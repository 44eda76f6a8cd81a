#include "connections.hpp"

#include <cstring>

void Connections::event(std::string_view frame) {
    // 16 bits: which event; 32 bits: of which connection. Not aligned.
    std::uint16_t event = 0;
    std::int32_t connection = 0;
    std::memcpy(&event, frame.data(), sizeof event);
    std::memcpy(&connection, frame.data() + sizeof event, sizeof connection);
    tried_ = true;
    if (event == ZMQ_EVENT_ACCEPTED || event == ZMQ_EVENT_CONNECTED) new_ones_[connection] = ever_;
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        ++through_;
        ++ever_;
    }
    if ((event & failures) != 0) failed_ = true;
    if (event == ZMQ_EVENT_DISCONNECTED) {
        if (const auto it = new_ones_.find(connection); it != new_ones_.end()) {
            // One that is refused for its socket type ends like one that has got through. It may
            // be taken for one only if another has got through since it came.
            if (through_ > 0 && !failed_ && it->second < ever_) --through_;
            new_ones_.erase(it);
        }
        known_.erase(connection);
        failed_ = false;
    }
    if (through_ >= new_ones_.size()) {
        for (const auto& [one, since] : new_ones_) known_.insert(one);
        new_ones_.clear();
        through_ = 0;
    }
}
