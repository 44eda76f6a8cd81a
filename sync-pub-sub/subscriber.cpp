// Reports that it is subscribed, and counts the updates from the first one to END.
//   SUB connects tcp://127.0.0.1:5561
//   REQ connects tcp://127.0.0.1:5562
//   PAIR connects inproc://SUB and inproc://REQ, their monitors
// Its other half is publisher.cpp.
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>

#include "common.hpp"

/// The connection of a socket, as its monitor tells of it.
struct Link {
    Events events;
    bool made = false;
};

static Link monitored(void* context, void* socket, const std::string& endpoint) {
    Events events(check(zmq_socket(context, ZMQ_PAIR), "zmq_socket", "PAIR"), {socket});
    check(zmq_socket_monitor(socket, endpoint.c_str(),
                             ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED),
          "zmq_socket_monitor", endpoint);
    check(zmq_connect(events.get(), endpoint.c_str()), "zmq_connect", endpoint);
    return {std::move(events)};
}

/// Reads one event. Whether it is the end of the connection, after that had been made.
static bool has_ended(Link& link) {
    std::uint16_t event = 0;  // the first frame is longer; the second is an address
    Message address;
    check(zmq_recv(link.events.get(), &event, sizeof event, 0), "zmq_recv", "event");
    check(zmq_msg_recv(address.get(), link.events.get(), 0), "zmq_msg_recv", "event");
    const bool was_made = link.made;
    link.made = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    return was_made && !link.made;
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5561", sync = "tcp://127.0.0.1:5562";
    bool quiet = false;
    parse(argc, argv, "reports that it is subscribed, and counts the updates up to END",
          {{"connect ENDPOINT", &endpoint, "SUB connects"},
           {"sync ENDPOINT", &sync, "REQ connects"},
           {"", {}, "PAIR connects inproc://SUB and inproc://REQ, to hear of their connections"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::by_itself);
    Summary updates("update", "updates", quiet);
    const Socket subscriber(check(zmq_socket(context.get(), ZMQ_SUB), "zmq_socket", "SUB"));
    const int no_limit = 0;  // no update is to be dropped
    check(zmq_setsockopt(subscriber.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit),
          "zmq_setsockopt", "ZMQ_RCVHWM");

    // "" is for all updates. No update begins with the id: this subscription is for the publisher
    // to see. It travels behind the first one, and when it has come, so has that.
    std::string id;
    for (std::random_device random; id.size() < 32;) id += "0123456789abcdef"[random() % 16];
    for (const auto& topic : {std::string(), id})
        check(zmq_setsockopt(subscriber.get(), ZMQ_SUBSCRIBE, topic.data(), topic.size()),
              "zmq_setsockopt", "ZMQ_SUBSCRIBE");
    const Socket requester(check(zmq_socket(context.get(), ZMQ_REQ), "zmq_socket", "REQ"));
    const int linger = 0;  // nobody is left to take a report that is still unsent
    check(zmq_setsockopt(requester.get(), ZMQ_LINGER, &linger, sizeof linger), "zmq_setsockopt",
          "ZMQ_LINGER");
    // When a connection has been made and ends before END has come, the publisher has gone, and
    // there is nothing to wait for.
    Link news = monitored(context.get(), subscriber.get(), "inproc://SUB");
    Link reports = monitored(context.get(), requester.get(), "inproc://REQ");
    check(zmq_connect(subscriber.get(), endpoint.c_str()), "zmq_connect", endpoint);
    check(zmq_connect(requester.get(), sync.c_str()), "zmq_connect", sync);

    Message message;
    std::optional<std::string> reply;
    bool gone = false;
    do {
        // When its connection has ended and is made again, a SUB subscribes again only in a call.
        // What its monitor has told by then is past.
        int has = 0;
        size_t size = sizeof has;
        check(zmq_getsockopt(subscriber.get(), ZMQ_EVENTS, &has, &size), "zmq_getsockopt",
              "ZMQ_EVENTS");
        zmq_pollitem_t told{news.events.get(), 0, ZMQ_POLLIN, 0};
        while (check(zmq_poll(&told, 1, 0), "zmq_poll") > 0) has_ended(news);

        check(zmq_send(requester.get(), id.data(), id.size(), 0), "zmq_send");
        for (reply.reset(); !reply && !gone;) {
            zmq_pollitem_t items[] = {{requester.get(), 0, ZMQ_POLLIN, 0},
                                      {reports.events.get(), 0, ZMQ_POLLIN, 0}};
            check(zmq_poll(items, 2, -1), "zmq_poll");
            gone = items[1].revents != 0 && has_ended(reports);
            // Also after the end of the connection: what came before it is still here.
            if (ready(zmq_msg_recv(message.get(), requester.get(), ZMQ_DONTWAIT), "zmq_msg_recv"))
                reply = message.bytes();
            while (zmq_msg_more(message.get()) == 1)  // a reply may have more frames
                check(zmq_msg_recv(message.get(), requester.get(), 0), "zmq_msg_recv");
        }
    } while (reply == "again");  // the publisher has not seen the subscription yet
    if (!reply) throw std::runtime_error("too late: the publisher has gone");
    if (reply == "too late") throw std::runtime_error("too late: the publisher has begun");

    constexpr std::string_view end = "END";
    for (gone = false;;) {
        const int size = zmq_msg_recv(message.get(), subscriber.get(), ZMQ_DONTWAIT);
        if (!ready(size, "zmq_msg_recv")) {
            if (gone) throw std::runtime_error("the publisher has gone before its END");
            zmq_pollitem_t items[] = {{subscriber.get(), 0, ZMQ_POLLIN, 0},
                                      {news.events.get(), 0, ZMQ_POLLIN, 0}};
            check(zmq_poll(items, 2, -1), "zmq_poll");
            gone = items[1].revents != 0 && has_ended(news);
            continue;
        }
        if (zmq_msg_more(message.get()) == 1) {
            left_out("an update of several frames: " + text(message.bytes()));
            while (zmq_msg_more(message.get()) == 1)
                check(zmq_msg_recv(message.get(), subscriber.get(), 0), "zmq_msg_recv");
            continue;
        }
        if (size == std::ssize(end) && message.bytes() == end) break;
        updates.start();
        if (!quiet) std::printf("received %s\n", text(message.bytes()).c_str());
        ++updates;
    }
    return 0;
} catch (...) {
    return exit_status();
}
