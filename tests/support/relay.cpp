#include "relay.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

Relay::Relay(const std::string& target, const std::vector<std::string>& odd_answers)
    : target_(target), odd_answers_(odd_answers) {
    if (pipe(wake_) == -1) throw std::runtime_error("pipe");
    for (const int end : wake_) fcntl(end, F_SETFD, FD_CLOEXEC);
    thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
    close(wake_[1]);
    thread_.join();
    close(wake_[0]);
}

void Relay::set_held(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    if (write(wake_[1], "!", 1) != 1) throw std::runtime_error("write");
}

void Relay::cut() {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : connections_) shutdown(connection.near.fd(), SHUT_RDWR);
}

std::string Relay::bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

void Relay::run() {
    while (true) {
        std::vector<pollfd> items{{wake_[0], POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
        {
            const std::lock_guard lock(mutex_);
            for (const auto& connection : connections_)
                for (const auto* end : {&connection.near, &connection.far})
                    items.push_back({held_ ? -1 : end->fd(), POLLIN, 0});
        }
        if (poll(items.data(), static_cast<nfds_t>(items.size()), -1) == -1) continue;
        char byte;
        if (items[0].revents != 0 && read(wake_[0], &byte, 1) != 1) return;
        const std::lock_guard lock(mutex_);
        size_t i = 2;
        for (auto at = connections_.begin(); at != connections_.end(); i += 2) {
            const bool open = held_ || ((items[i].revents == 0 || pass(at->near, at->far)) &&
                                        (items[i + 1].revents == 0 || pass(at->far, at->near)));
            at = open ? std::next(at) : connections_.erase(at);
        }
        if (items[1].revents != 0) take();
    }
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
