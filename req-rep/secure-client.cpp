// Sends Hello and waits for the reply, encrypted, to and from a server whose key it knows.
//   REQ connects tcp://127.0.0.1:5566
//   PAIR connects inproc://events
// Its other half is secure-server.cpp; client.cpp is the same without the locks.
#include <cstdio>
#include <cstring>

#include "common.hpp"
#include "keys.hpp"

/// What is wrong and what to do, where an event at the socket means that there will be no service;
/// else nothing. This is all that libzmq tells a client.
static std::string failure(int event, std::uint32_t value, int before, int closed) {
    // Said before there is a secret to say it in: somebody on the way could say it as well.
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return "refused, ZAP status " + std::to_string(value) +
               "\nthe server does not know this client's key: give it --allow and the .public file";
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
        if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
            return "the server does not use CURVE\nconnect to a secure-server";
        char code[16];  // as zmq.h writes it
        std::snprintf(code, sizeof code, "0x%08x", value);
        return std::string("ZMTP protocol error ") + code +
               "\nwhat came is not from that server, or was changed on the way";
    }
    // A server that cannot open what was encrypted for another one closes the connection, and one
    // without CURVE may do so first. One that has just ended may be back at the next try.
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL && closed == 3)
        return "closed by the server three times, without a reason\n"
               "it has another key than that of --server, or is no secure-server";
    if (event == ZMQ_EVENT_DISCONNECTED && before != ZMQ_EVENT_HANDSHAKE_SUCCEEDED &&
        before != ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        return "what answers does not speak ZMTP 3\nconnect to a secure-server";
    return "";
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5566", path = "keys/client";
    std::string server = "keys/server.public";
    const std::string inside = "inproc://events";
    int count = 10;
    bool quiet = false;
    parse(argc, argv,
          "sends Hello and waits for the reply, encrypted for a server whose key it has",
          {{"connect ENDPOINT", &endpoint, "REQ connects"},
           {"", {}, "PAIR connects inproc://events, where it hears how the handshake went"},
           {"key PATH", &path, "its keys, PATH.secret and PATH.public, made if not there"},
           {"server FILE", &server, "the server's public key"},
           {"count N", &count, "requests to send, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});
    const KeyPair own = key_pair(path);
    if (access(server.c_str(), F_OK) == -1)
        throw std::runtime_error(
            "--server " + server + ": " + std::strerror(errno) +
            "\nsecure-server makes it when it first starts: copy it from there");
    const std::string server_key = read_key(server, false);

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary replies("reply", "replies", quiet);
    const Socket requester(check(zmq_socket(context.get(), ZMQ_REQ), "zmq_socket", "REQ"));
    const int linger = 0;  // nobody is left to take the reply to a request that is still unsent
    check(zmq_setsockopt(requester.get(), ZMQ_LINGER, &linger, sizeof linger), "zmq_setsockopt",
          "ZMQ_LINGER");
    const auto set_key = [&requester](int option, const std::string& key, const char* name) {
        check(zmq_setsockopt(requester.get(), option, key.c_str(), key.size() + 1),
              "zmq_setsockopt", name);
    };
    set_key(ZMQ_CURVE_SERVERKEY, server_key, "ZMQ_CURVE_SERVERKEY");
    set_key(ZMQ_CURVE_PUBLICKEY, own.public_key, "ZMQ_CURVE_PUBLICKEY");
    set_key(ZMQ_CURVE_SECRETKEY, own.secret_key, "ZMQ_CURVE_SECRETKEY");
    const Events events(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"),
                        {requester.get()});
    check(zmq_socket_monitor(requester.get(), inside.c_str(),
                             ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                                 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED),
          "zmq_socket_monitor", inside);
    check(zmq_connect(events.get(), inside.c_str()), "zmq_connect", inside);
    check(zmq_connect(requester.get(), endpoint.c_str()), "zmq_connect", endpoint);

    constexpr std::string_view request = "Hello";
    Message message;
    int before = 0, closed = 0;
    replies.start();
    while (count == 0 || replies.count() < count) {
        // A REQ can send or receive, never both, and zmq_poll says which. Neither call may wait:
        // without a connection the monitor is what is heard next.
        zmq_pollitem_t items[] = {{events.get(), 0, ZMQ_POLLIN, 0},
                                  {requester.get(), 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0}};
        check(zmq_poll(items, 2, -1), "zmq_poll");
        if (items[0].revents != 0) {
            // Two frames: the event in 16 bits and its value in 32, and an endpoint.
            check(zmq_msg_recv(message.get(), events.get(), 0), "zmq_msg_recv", inside);
            std::uint16_t event = 0;
            std::uint32_t value = 0;
            std::memcpy(&event, message.bytes().data(), sizeof event);
            std::memcpy(&value, message.bytes().data() + sizeof event, sizeof value);
            check(zmq_msg_recv(message.get(), events.get(), 0), "zmq_msg_recv", inside);
            if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) closed = 0;
            if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) ++closed;
            const std::string why = failure(event, value, before, closed);
            if (!why.empty())
                throw std::runtime_error(
                    std::string("handshake ").append(endpoint).append(": ").append(why));
            before = event;
        }
        if ((items[1].revents & ZMQ_POLLOUT) != 0)
            ready(zmq_send(requester.get(), request.data(), request.size(), ZMQ_DONTWAIT),
                  "zmq_send");
        if ((items[1].revents & ZMQ_POLLIN) == 0 ||
            !ready(zmq_msg_recv(message.get(), requester.get(), ZMQ_DONTWAIT), "zmq_msg_recv"))
            continue;
        if (!quiet) std::printf("received %s\n", text(message.bytes()).c_str());
        while (zmq_msg_more(message.get()) == 1)  // a reply may have more frames: they are its own
            check(zmq_msg_recv(message.get(), requester.get(), 0), "zmq_msg_recv");
        ++replies;
    }
    return 0;
} catch (...) {
    return exit_status();
}
