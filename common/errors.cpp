#include <cerrno>
#include <cstdio>

#include "common.hpp"
#include "internal.hpp"

namespace {

std::string hint(std::string_view call, std::string_view endpoint, int code) {
    const bool binds = call == "zmq_bind";
    if (!binds && call != "zmq_connect") return "";
    switch (code) {
        case EADDRINUSE:
            return "another program is bound there: end it, or choose another endpoint";
        case ENODEV:
        case EADDRNOTAVAIL:
            return "bind to an address or interface of this machine (127.0.0.1, eth0, or * for "
                   "all), not to a host name";
        case EACCES:
            return "ports below 1024 and foreign directories take more rights: choose another";
        case EINVAL:
            if (!binds && endpoint.find('*') != std::string_view::npos)
                return "* is for bind: connect to the address of the machine that is bound";
            [[fallthrough]];
        case EPROTONOSUPPORT:
        case ENOCOMPATPROTO:
            return "an endpoint is tcp://ADDRESS:PORT, ipc://PATH or inproc://NAME";
        default:
            return "";
    }
}

}  // namespace

void fail(const char* call, std::string_view argument) {
    const int code = zmq_errno();
    if (interrupted() && code == ETERM) throw Interrupted{};
    std::string what = call;
    if (!argument.empty()) what.append(" ").append(argument);
    throw CallFailed(what + ": " + zmq_strerror(code), hint(call, argument, code));
}

int exit_status() noexcept try { throw; } catch (const HelpShown&) {
    return 0;
} catch (const Interrupted&) {
    return interrupt_status();
} catch (const WrongArgument& wrong) {
    std::fprintf(stderr, "%s: %s\ntry: %s --help\n", program.c_str(), wrong.what(),
                 program.c_str());
    return 2;
} catch (const CallFailed& failed) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), failed.what());
    if (!failed.hint.empty()) std::fprintf(stderr, "%s\n", failed.hint.c_str());
    return 1;
} catch (const std::exception& other) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), other.what());
    return 1;
}

void left_out(const std::string& what) {
    std::fprintf(stderr, "%s: left out: %s\n", program.c_str(), what.c_str());
}

// zmq_ctx_term and zmq_close fail only for what is no context or socket, or for EINTR, which no
// program here meets: the signals that it handles are blocked. A destructor could not throw anyway.
void TermContext::operator()(void* context) const noexcept {
    while (zmq_ctx_term(context) == -1 && zmq_errno() == EINTR) {
    }
}

void CloseSocket::operator()(void* socket) const noexcept {
    [[maybe_unused]] const int closed = zmq_close(socket);
}

void CloseEvents::operator()(void* socket) const noexcept {
    // Fails after zmq_ctx_shutdown: then no monitor is left.
    [[maybe_unused]] const int ended = zmq_socket_monitor(of, nullptr, 0);
    CloseSocket{}(socket);
}

Message::Message() {
    check(zmq_msg_init(&message_), "zmq_msg_init");
}

Message::~Message() {
    [[maybe_unused]] const int closed = zmq_msg_close(&message_);
}

std::string last_endpoint(void* socket) {
    char endpoint[1024];  // the longest is ipc with a path of 107 bytes, or tcp with a host name
    size_t size = sizeof endpoint;
    check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size), "zmq_getsockopt",
          "ZMQ_LAST_ENDPOINT");
    return {endpoint, size - 1};  // its size counts the NUL at its end
}
