#include "tcp.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>

#include "process.hpp"

namespace {

sockaddr_in address_of(const std::string& endpoint) {
    const size_t colon = endpoint.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
    if (inet_pton(AF_INET, endpoint.substr(6, colon - 6).c_str(), &address.sin_addr) != 1)
        throw std::runtime_error("no address: " + endpoint);
    return address;
}

/// No child gets it, no call on it takes longer than the tests' deadline, and no small message
/// waits for an acknowledgement, which takes 40 ms.
int prepared(int fd) {
    const timeval limit{deadline.count(), 0};
    const int on = 1;
    must(fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl");
    must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "SO_RCVTIMEO");
    must(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), "SO_SNDTIMEO");
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
    return fd;
}

int new_socket() { return prepared(must(socket(AF_INET, SOCK_STREAM, 0), "socket")); }

}  // namespace

RawPeer::RawPeer(const std::string& endpoint) : fd_(new_socket()) {
    const sockaddr_in address = address_of(endpoint);
    must(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
}

RawPeer::RawPeer(int fd) : fd_(prepared(fd)) {}

RawPeer::~RawPeer() {
    if (fd_ == -1) return;
    shutdown(fd_, SHUT_RDWR);  // a child that was forked before FD_CLOEXEC was set holds it, too
    close(fd_);
}

bool RawPeer::send(const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();) {
        const auto n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n == -1 && (errno == EPIPE || errno == ECONNRESET)) return false;
        sent += static_cast<size_t>(must(n, "send"));
    }
    return true;
}

std::string RawPeer::receive_some(size_t most) {
    std::string bytes(most, '\0');
    const auto n = recv(fd_, bytes.data(), most, 0);
    // A reset is an end, too: the other side closed before it had read everything.
    const bool reset = n == -1 && errno == ECONNRESET;
    bytes.resize(reset ? 0 : static_cast<size_t>(must(n, "recv")));
    return bytes;
}

std::string RawPeer::receive(size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
        const std::string some = receive_some(size - bytes.size());
        if (some.empty()) throw std::runtime_error("the other side has closed the connection");
        bytes += some;
    }
    return bytes;
}

std::string RawPeer::wait_for_end() {
    std::string bytes;
    for (std::string some; !(some = receive_some()).empty();) bytes += some;
    return bytes;
}

Listener::Listener() : fd_(new_socket()) {
    sockaddr_in address = address_of("tcp://127.0.0.1:0");
    socklen_t size = sizeof address;
    must(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), "bind");
    must(listen(fd_, 16), "listen");
    must(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

Listener::~Listener() { close(fd_); }

RawPeer Listener::take() const { return RawPeer(must(accept(fd_, nullptr, nullptr), "accept")); }
