#include "relay.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>

Relay::Relay(const std::string& target, const std::vector<std::string>& odd_answers)
    : target_(target), odd_answers_(odd_answers) {
    thread_ = std::thread([this] {
        while (!ends_) step();
    });
}

Relay::~Relay() {
    ends_ = true;
    thread_.join();
}

void Relay::set_held(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
}

void Relay::cut() {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : connections_) shutdown(connection.near.fd(), SHUT_RDWR);
}

std::string Relay::bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

void Relay::step() {
    std::vector<pollfd> items{{listener_.fd(), POLLIN, 0}};
    {
        const std::lock_guard lock(mutex_);
        for (const auto& connection : connections_)
            for (const auto* end : {&connection.near, &connection.far})
                items.push_back({held_ ? -1 : end->fd(), POLLIN, 0});
    }
    // 10 ms: how soon it notices let_through(), and its end.
    if (poll(items.data(), static_cast<nfds_t>(items.size()), 10) <= 0) return;
    const std::lock_guard lock(mutex_);
    size_t i = 1;
    for (auto at = connections_.begin(); at != connections_.end(); i += 2) {
        const bool open = held_ || ((items[i].revents == 0 || pass(at->near, at->far)) &&
                                    (items[i + 1].revents == 0 || pass(at->far, at->near)));
        at = open ? std::next(at) : connections_.erase(at);
    }
    if (items[0].revents != 0) take();
}

void Relay::take() {
    RawPeer near = listener_.take();
    if (!odd_answers_.empty()) {
        near.send(odd_answers_.front());
        odd_answers_.erase(odd_answers_.begin());
        return;
    }
    try {
        connections_.push_back({std::move(near), RawPeer(target_)});
    } catch (const std::runtime_error&) {  // the target has left, and now the connection ends, too
    }
}

bool Relay::pass(RawPeer& from, RawPeer& to) {
    const std::string bytes = from.receive_some();
    if (bytes.empty()) return false;
    bytes_ += bytes;
    return to.send(bytes);
}
