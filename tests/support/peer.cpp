#include "peer.hpp"

#include <cstring>

void send(void* socket, const Frames& frames) {
    for (size_t i = 0; i < frames.size(); ++i)
        check(zmq_send(socket, frames[i].data(), frames[i].size(),
                       i + 1 < frames.size() ? ZMQ_SNDMORE : 0));
}

Frames receive(void* socket) {
    Frames frames;
    Message frame;
    do {
        check(zmq_msg_recv(frame, socket, 0));
        frames.emplace_back(frame.bytes());
    } while (zmq_msg_more(frame) == 1);
    return frames;
}

short poll(void* socket, short events, long ms) {
    zmq_pollitem_t item{socket, 0, events, 0};
    check(zmq_poll(&item, 1, ms));
    return item.revents;
}

Peer::Peer(void* context, int type)
    : own_(context == nullptr ? std::optional<Context>(std::in_place, zmq_ctx_new())
                              : std::nullopt),
      context_(context == nullptr ? *own_ : context),
      socket_(zmq_socket(context_, type)) {
    set(ZMQ_LINGER, 0).set(ZMQ_SNDHWM, 0).set(ZMQ_RCVHWM, 0);
    set(ZMQ_SNDTIMEO, deadline_ms).set(ZMQ_RCVTIMEO, deadline_ms);
}

std::string Peer::bind(const std::string& endpoint) {
    check(zmq_bind(socket_, endpoint.c_str()), "zmq_bind " + endpoint);
    char bound[1024];
    size_t size = sizeof bound;
    check(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound, &size));
    return {bound, size - 1};
}

Peer& Peer::connect(const std::string& endpoint) {
    check(zmq_connect(socket_, endpoint.c_str()), "zmq_connect " + endpoint);
    return *this;
}

Peer& Peer::connect_until(const std::string& endpoint, int events) {
    Monitor monitor(*this, events);
    connect(endpoint);
    monitor.next();
    return *this;
}

Peer& Peer::set(int option, int value) {
    check(zmq_setsockopt(socket_, option, &value, sizeof value));
    return *this;
}

Peer& Peer::set(int option, const std::string& bytes) {
    check(zmq_setsockopt(socket_, option, bytes.data(), bytes.size()));
    return *this;
}

Monitor::Monitor(void* context, void* socket, int events)
    : socket_(socket), reader_(context, ZMQ_PAIR) {
    static std::atomic<int> number = 0;
    const std::string name = "inproc://monitor-" + std::to_string(++number);
    check(zmq_socket_monitor(socket, name.c_str(), events));
    check(zmq_connect(reader_, name.c_str()));
}

void Monitor::stop() {
    // Fails if the context has been shut down, but then no monitor is left.
    if (socket_ != nullptr) zmq_socket_monitor(socket_, nullptr, 0);
    socket_ = nullptr;
}

Monitor::Event Monitor::next() {
    const auto frames = receive(reader_);  // 16 bits of event, 32 bits of value; endpoint
    std::uint16_t id = 0;
    std::uint32_t value = 0;
    std::memcpy(&id, frames.at(0).data(), sizeof id);
    std::memcpy(&value, frames.at(0).data() + sizeof id, sizeof value);
    return {id, static_cast<int>(value), frames.at(1)};
}

Monitor::Event Monitor::wait_for(int ids) {
    while (true)
        if (const Event event = next(); (event.id & ids) != 0) return event;
}
