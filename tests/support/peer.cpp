#include "peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include "process.hpp"

namespace {

constexpr int deadline_ms = static_cast<int>(deadline.count()) * 1000;

int must(int result, const std::string& what) {
    if (result == -1) throw std::runtime_error(what + ": " + zmq_strerror(zmq_errno()));
    return result;
}

}  // namespace

Peer::Peer(int type) : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type)) {
    if (socket_ == nullptr) throw std::runtime_error("zmq_socket");
    set(ZMQ_LINGER, 0).set(ZMQ_SNDHWM, 0).set(ZMQ_RCVHWM, 0);
    set(ZMQ_SNDTIMEO, deadline_ms).set(ZMQ_RCVTIMEO, deadline_ms);
}

Peer::~Peer() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
}

Peer& Peer::bind(const std::string& endpoint) {
    must(zmq_bind(socket_, endpoint.c_str()), "zmq_bind " + endpoint);
    return *this;
}

Peer& Peer::connect(const std::string& endpoint) {
    must(zmq_connect(socket_, endpoint.c_str()), "zmq_connect " + endpoint);
    return *this;
}

Peer& Peer::connect_until(const std::string& endpoint, int event) {
    must(zmq_socket_monitor(socket_, "inproc://events", event), "zmq_socket_monitor");
    connect(endpoint);
    wait_for_event("inproc://events");
    return *this;
}

Peer& Peer::bind_until(const std::string& endpoint, int event) {
    must(zmq_socket_monitor(socket_, "inproc://events", event), "zmq_socket_monitor");
    bind(endpoint);
    wait_for_event("inproc://events");
    return *this;
}

int Peer::wait_for_event(const std::string& monitor) {
    void* const events = zmq_socket(context_, ZMQ_PAIR);
    must(zmq_connect(events, monitor.c_str()), "zmq_connect " + monitor);
    zmq_pollitem_t item{events, 0, ZMQ_POLLIN, 0};
    const int seen = must(zmq_poll(&item, 1, deadline_ms), "zmq_poll");
    std::uint16_t event = 0;  // the first frame is longer
    if (seen == 1) must(zmq_recv(events, &event, sizeof event, ZMQ_DONTWAIT), "zmq_recv");
    must(zmq_socket_monitor(socket_, nullptr, 0), "zmq_socket_monitor");  // before its reader goes
    zmq_close(events);
    if (seen == 0) throw std::runtime_error("no event in time at " + monitor);
    return event;
}

Peer& Peer::subscribe(const std::string& prefix) {
    must(zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, prefix.data(), prefix.size()), "ZMQ_SUBSCRIBE");
    return *this;
}

Peer& Peer::set(int option, int value) {
    must(zmq_setsockopt(socket_, option, &value, sizeof value), "zmq_setsockopt");
    return *this;
}

void Peer::send(const std::vector<std::string>& frames) {
    for (size_t i = 0; i < frames.size(); ++i)
        must(zmq_send(socket_, frames[i].data(), frames[i].size(),
                      i + 1 < frames.size() ? ZMQ_SNDMORE : 0),
             "zmq_send");
}

std::vector<std::string> Peer::receive() {
    std::vector<std::string> frames;
    int more = 1;
    while (more == 1) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        must(zmq_msg_recv(&frame, socket_, 0), "zmq_msg_recv");
        frames.emplace_back(static_cast<char*>(zmq_msg_data(&frame)), zmq_msg_size(&frame));
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return frames;
}

std::string Peer::endpoint() const {
    char endpoint[1024];
    size_t size = sizeof endpoint;
    must(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, endpoint, &size), "ZMQ_LAST_ENDPOINT");
    return {endpoint, size - 1};
}

RawPeer::RawPeer(const std::string& endpoint)
    : fd_(must(socket(AF_INET, SOCK_STREAM, 0), "socket")) {
    const size_t colon = endpoint.rfind(':');
    const std::string host = endpoint.substr(6, colon - 6);  // behind tcp://
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(endpoint.substr(colon + 1))));
    if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
        throw std::runtime_error("no address: " + endpoint);
    const timeval limit{deadline.count(), 0};
    must(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "SO_RCVTIMEO");
    must(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
}

RawPeer::~RawPeer() {
    close(fd_);
}

void RawPeer::send(const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();)
        sent += static_cast<size_t>(must(
            static_cast<int>(::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL)),
            "send"));
}

std::string RawPeer::receive(size_t size) {
    std::string bytes(size, '\0');
    for (size_t have = 0; have < size;) {
        const int got =
            must(static_cast<int>(recv(fd_, bytes.data() + have, size - have, 0)), "recv");
        if (got == 0) throw std::runtime_error("the other side has closed the connection");
        have += static_cast<size_t>(got);
    }
    return bytes;
}

void RawPeer::wait_for_end() {
    char buffer[4096];
    ssize_t got = 0;
    do got = recv(fd_, buffer, sizeof buffer, 0);
    while (got > 0);
    // A reset is an end, too: the other side closed before it had read everything.
    if (got == -1 && errno != ECONNRESET) must(-1, "recv");
}
