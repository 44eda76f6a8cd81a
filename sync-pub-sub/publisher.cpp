// Publishes updates once all its subscribers are really subscribed, so that none misses any.
//   XPUB binds tcp://127.0.0.1:5561
//   REP binds tcp://127.0.0.1:5562
// Its other half is subscriber.cpp.
#include <algorithm>
#include <cstdio>
#include <set>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5561", sync = "tcp://127.0.0.1:5562";
    int subscribers = 2, count = 10;
    bool quiet = false;
    parse(argc, argv, "publishes updates once all its subscribers are really subscribed",
          {{"bind ENDPOINT", &endpoint, "XPUB binds"},
           {"sync ENDPOINT", &sync, "REP binds"},
           {"subscribers N", &subscribers, "how many to wait for"},
           {"count N", &count, "updates to publish, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    // Each I/O thread writes to some of the subscribers: with ten of them a tenth more deliveries.
    check(zmq_ctx_set(context.get(), ZMQ_IO_THREADS, 2), "zmq_ctx_set", "ZMQ_IO_THREADS");
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary updates("message", "messages", quiet);
    const Socket responder(check(zmq_socket(context.get(), ZMQ_REP), "zmq_socket", "REP"));
    const Socket publisher(check(zmq_socket(context.get(), ZMQ_XPUB), "zmq_socket", "XPUB"));
    for (void* socket : {responder.get(), publisher.get()}) {
        check(zmq_setsockopt(socket, ZMQ_LINGER, &linger_at_interrupt, sizeof linger_at_interrupt),
              "zmq_setsockopt", "ZMQ_LINGER");
        check(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
              "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    }
    const int on = 1, limit = count == 0 ? 1000 : 0;
    // An XPUB can receive the subscriptions; with VERBOSER each one, and each end of one, not only
    // the first and the last of a topic.
    check(zmq_setsockopt(publisher.get(), ZMQ_XPUB_VERBOSER, &on, sizeof on), "zmq_setsockopt",
          "ZMQ_XPUB_VERBOSER");
    // No update is dropped: what the subscribers are behind is queued, without a limit. Only an
    // endless publisher has one, and waits for the slowest (NODROP), or memory would not suffice.
    check(zmq_setsockopt(publisher.get(), ZMQ_SNDHWM, &limit, sizeof limit), "zmq_setsockopt",
          "ZMQ_SNDHWM");
    check(zmq_setsockopt(publisher.get(), ZMQ_XPUB_NODROP, &on, sizeof on), "zmq_setsockopt",
          "ZMQ_XPUB_NODROP");
    check(zmq_bind(publisher.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(publisher.get()).c_str());
    check(zmq_bind(responder.get(), sync.c_str()), "zmq_bind", sync);
    std::printf("listening on %s\n", last_endpoint(responder.get()).c_str());

    // A subscriber subscribes to "" (all updates), then to a random id, and reports the id. It is
    // there when both have come: the report alone proves nothing, for subscriptions travel on
    // another connection. The ZeroMQ Guide's subscribers have no id: of them there are as many as
    // empty reports, but no more than subscriptions to "" without one to an id.
    const auto is_id = [](const std::string& report) { return report.size() == 32; };
    std::multiset<std::string> ids;  // subscribed to
    std::set<std::string> members;   // ids that were reported after that
    int all = 0, anonymous = 0;      // subscriptions to "", empty reports
    int there = 0;                   // subscribers

    Message message;
    const auto read_subscriptions = [&] {
        while (ready(zmq_msg_recv(message.get(), publisher.get(), ZMQ_DONTWAIT), "zmq_msg_recv")) {
            const std::string bytes(message.bytes()), topic = bytes.substr(bytes.empty() ? 0 : 1);
            const bool begins = bytes[0] == 1;
            if (bytes.empty() || (bytes[0] != 0 && !begins))
                left_out("no subscription: " + text(bytes));
            else if (topic.empty())
                all = std::max(0, all + (begins ? 1 : -1));
            else if (is_id(topic) && begins)
                ids.insert(topic);
            else if (const auto known = ids.find(topic); known != ids.end())
                ids.erase(known);  // there may also come an end of what never began
        }
    };
    const auto answer_report = [&] {
        if (!ready(zmq_msg_recv(message.get(), responder.get(), ZMQ_DONTWAIT), "zmq_msg_recv"))
            return;
        std::string report(message.bytes()), reply;
        for (; zmq_msg_more(message.get()) == 1; report = "several frames")
            check(zmq_msg_recv(message.get(), responder.get(), 0), "zmq_msg_recv");
        if (there < subscribers && is_id(report) && !ids.contains(report)) {
            // The subscription may still be on its way. A liar's is not, and a REP hears nobody
            // else before it has answered: so there is a limit to the wait.
            zmq_pollitem_t item{publisher.get(), 0, ZMQ_POLLIN, 0};
            check(zmq_poll(&item, 1, 100), "zmq_poll");
            read_subscriptions();
        }
        if (!report.empty() && !is_id(report)) left_out("no report: " + text(report));
        if (there >= subscribers)
            reply = "too late";
        else if (report.empty())
            ++anonymous;
        else if (ids.contains(report))
            members.insert(report);
        else
            reply = "again";
        check(zmq_send(responder.get(), reply.data(), reply.size(), 0), "zmq_send");
    };

    while (there < subscribers) {
        zmq_pollitem_t items[] = {{publisher.get(), 0, ZMQ_POLLIN, 0},
                                  {responder.get(), 0, ZMQ_POLLIN, 0}};
        check(zmq_poll(items, 2, -1), "zmq_poll");
        read_subscriptions();
        answer_report();
        int now = std::clamp(all - static_cast<int>(ids.size()), 0, anonymous);
        for (const auto& id : members) now += ids.contains(id) ? 1 : 0;
        if (now != there && !quiet) std::printf("%d of %d subscribers\n", now, subscribers);
        there = now;
    }

    constexpr std::string_view update = "Rhubarb", end = "END";
    updates.start();
    for (; count == 0 || updates.count() < count; ++updates) {
        if (updates.count() % 1000 == 0) {  // there may be some who come too late
            read_subscriptions();
            answer_report();
        }
        check(zmq_send(publisher.get(), update.data(), update.size(), 0), "zmq_send");
        if (!quiet) std::printf("published %s\n", update.data());
    }
    check(zmq_send(publisher.get(), end.data(), end.size(), 0), "zmq_send");
    check(zmq_setsockopt(responder.get(), ZMQ_LINGER, &linger_at_end, sizeof linger_at_end),
          "zmq_setsockopt", "ZMQ_LINGER");
    const int minute = 60'000;  // all updates are to arrive, and a slow subscriber's queue is long
    check(zmq_setsockopt(publisher.get(), ZMQ_LINGER, &minute, sizeof minute), "zmq_setsockopt",
          "ZMQ_LINGER");
    return 0;
} catch (...) {
    return exit_status();
}
