// Section 7 of the notes: the pairs of socket types.
#include <array>
#include <deque>

#include "notes.hpp"

namespace notes {

namespace {

const auto nothing_to_set = [](Socket&, Socket&) {};

/// Runs `talk` over tcp and ipc, once with the first socket bound and once with the second.
template <class Talk, class Prepare = decltype(nothing_to_set)>
void each_way(int first, int second, const Talk& talk, const Prepare& prepare = nothing_to_set) {
    const Folder folder;
    Context context;
    for (const bool first_binds : {true, false})
        for (const auto& endpoint : {any_port, folder.endpoint(first_binds ? "a" : "b")}) {
            INFO(endpoint << ", the " << (first_binds ? "first" : "second") << " binds");
            Socket a(context, first), b(context, second);
            prepare(a, b);
            if (first_binds)
                b.connect(a.bind(endpoint));
            else
                a.connect(b.bind(endpoint));
            talk(a, b);
        }
}

void cannot_send(void* socket) { CHECK(error_of(zmq_send(socket, "x", 1, 0)) == ENOTSUP); }
void cannot_receive(void* socket) { CHECK(error_of(zmq_recv(socket, nullptr, 0, 0)) == ENOTSUP); }

}  // namespace

TEST_CASE("7.1: PUB and SUB", "[notes]") {
    each_way(ZMQ_PUB, ZMQ_SUB, [](Socket& pub, Socket& sub) {
        sub.set(ZMQ_SUBSCRIBE, "A");
        // A PUB cannot see when a subscription arrives, so publish until a message arrives.
        do {
            send(pub, {"B"});
            send(pub, {"A", "data"});
        } while (poll(sub, ZMQ_POLLIN, 1) == 0);
        CHECK(receive(sub) == Frames{"A", "data"});
        cannot_send(sub);
        cannot_receive(pub);
    });
}

TEST_CASE("7.2: REQ and REP", "[notes]") {
    each_way(ZMQ_REQ, ZMQ_REP, [](Socket& req, Socket& rep) {
        for (const auto* number : {"1", "2"}) {
            CHECK(error_of(zmq_recv(req, nullptr, 0, 0)) == EFSM);  // a request must come first
            send(req, {"question", number});
            CHECK(error_of(zmq_send(rep, "x", 1, 0)) == EFSM);  // the request must be read first
            CHECK(receive(rep) == Frames{"question", number});
            send(rep, {"answer", number});
            CHECK(error_of(zmq_send(req, "x", 1, 0)) == EFSM);  // the reply must be read first
            CHECK(receive(req) == Frames{"answer", number});
        }
    });
}

TEST_CASE("7.3: REQ and ROUTER", "[notes]") {
    each_way(ZMQ_REQ, ZMQ_ROUTER, [](Socket& req, Socket& router) {
        send(req, {"question"});
        const Frames request = receive(router);  // routing ID, empty delimiter, question
        REQUIRE(request.size() == 3);
        CHECK(request[0].size() == 5);
        CHECK(request[1] == "");
        CHECK(request[2] == "question");
        send(router, {request[0], "", "answer"});
        CHECK(receive(req) == Frames{"answer"});
    });
}

TEST_CASE("7.3: a ROUTER must send the routing ID and the delimiter before its reply", "[notes]") {
    each_way(ZMQ_REQ, ZMQ_ROUTER, [](Socket& req, Socket& router) {
        Monitor monitor(router.context(), req, ZMQ_EVENT_DISCONNECTED);
        send(req, {"question"});
        const std::string id = receive(router).at(0);
        send(router, {"unknown", "", "answer"});  // no such peer: dropped
        send(router, {id, "answer"});             // no delimiter: the REQ breaks the connection
        CHECK(monitor.next().id == ZMQ_EVENT_DISCONNECTED);
        // The REQ has no reply, and may not send another request.
        CHECK(poll(req, ZMQ_POLLIN | ZMQ_POLLOUT, a_while) == 0);
    });
}

TEST_CASE("7.4: DEALER and REP", "[notes]") {
    each_way(ZMQ_DEALER, ZMQ_REP, [](Socket& dealer, Socket& rep) {
        send(dealer, {"", "1"});  // the DEALER must send the delimiter
        send(dealer, {"", "2"});  // it need not wait for a reply
        for (const auto* number : {"1", "2"}) {
            CHECK(receive(rep) == Frames{number});
            send(rep, {"answer", number});
        }
        for (const auto* number : {"1", "2"})
            CHECK(receive(dealer) == Frames{"", "answer", number});
    });
}

TEST_CASE("7.4: a REP discards messages without the delimiter", "[notes]") {
    each_way(ZMQ_DEALER, ZMQ_REP, [](Socket& dealer, Socket& rep) {
        send(dealer, {"no delimiter"});
        send(dealer, {"", "question"});
        CHECK(receive(rep) == Frames{"question"});
        send(rep, {"answer"});
        CHECK(receive(dealer) == Frames{"", "answer"});
    });
}

TEST_CASE("7.5: DEALER and ROUTER", "[notes]") {
    each_way(ZMQ_DEALER, ZMQ_ROUTER, [](Socket& dealer, Socket& router) {
        for (const auto* question : {"1", "2", "3"}) send(dealer, {question});
        std::string id;
        for (const auto* question : {"1", "2", "3"}) {
            const Frames request = receive(router);
            REQUIRE(request.size() == 2);
            id = request[0];
            CHECK(request[1] == question);
        }
        for (const auto* answer : {"a", "b", "c", "d"}) send(router, {id, answer});
        for (const auto* answer : {"a", "b", "c", "d"}) CHECK(receive(dealer) == Frames{answer});
    });
}

TEST_CASE("7.6: DEALER and DEALER", "[notes]") {
    each_way(ZMQ_DEALER, ZMQ_DEALER, [](Socket& a, Socket& b) {
        send(a, {"to", "b"});
        send(b, {"to", "a"});
        CHECK(receive(b) == Frames{"to", "b"});
        CHECK(receive(a) == Frames{"to", "a"});
    });
}

TEST_CASE("7.7: ROUTER and ROUTER", "[notes]") {
    each_way(
        ZMQ_ROUTER, ZMQ_ROUTER,
        [](Socket& a, Socket& b) {
            // Each needs the other's routing ID. With MANDATORY, a send fails until it has it.
            CHECK(error_of(zmq_send(a, "unknown", 7, ZMQ_SNDMORE)) == EHOSTUNREACH);
            while (error_of(zmq_send(a, "b", 1, ZMQ_SNDMORE)) == EHOSTUNREACH)
                poll(a, ZMQ_POLLIN, 1);  // processes the new connection
            CHECK(zmq_send(a, "question", 8, 0) == 8);
            CHECK(receive(b) == Frames{"a", "question"});
            send(b, {"a", "answer"});
            CHECK(receive(a) == Frames{"b", "answer"});
        },
        [](Socket& a, Socket& b) {
            a.set(ZMQ_ROUTING_ID, "a").set(ZMQ_ROUTER_MANDATORY, 1);
            b.set(ZMQ_ROUTING_ID, "b").set(ZMQ_ROUTER_MANDATORY, 1);
        });
}

TEST_CASE("7.7: without ROUTER_MANDATORY a message to an unknown peer is dropped", "[notes]") {
    Context context;
    Socket a(context, ZMQ_ROUTER), b(context, ZMQ_ROUTER);
    a.set(ZMQ_ROUTING_ID, "a");
    b.set(ZMQ_ROUTING_ID, "b").set(ZMQ_ROUTER_MANDATORY, 1);
    const std::string endpoint = a.bind(any_port);
    CHECK(zmq_send(a, "b", 1, ZMQ_SNDMORE) == 1);
    CHECK(zmq_send(a, "too early", 9, 0) == 9);  // succeeds, but the message is dropped
    b.connect(endpoint);
    while (error_of(zmq_send(b, "a", 1, ZMQ_SNDMORE)) == EHOSTUNREACH) poll(b, ZMQ_POLLIN, 1);
    CHECK(zmq_send(b, "here", 4, 0) == 4);
    CHECK(receive(a) == Frames{"b", "here"});
    send(a, {"b", "in time"});
    CHECK(receive(b) == Frames{"a", "in time"});
}

TEST_CASE("7.8: PUSH and PULL", "[notes]") {
    each_way(ZMQ_PUSH, ZMQ_PULL, [](Socket& push, Socket& pull) {
        send(push, {"task", "1"});
        CHECK(receive(pull) == Frames{"task", "1"});
        cannot_send(pull);
        cannot_receive(push);
    });
}

TEST_CASE("7.9: PAIR and PAIR", "[notes]") {
    each_way(ZMQ_PAIR, ZMQ_PAIR, [](Socket& a, Socket& b) {
        send(a, {"to", "b"});
        send(b, {"to", "a"});
        CHECK(receive(b) == Frames{"to", "b"});
        CHECK(receive(a) == Frames{"to", "a"});
    });
}

TEST_CASE("7.9: a PAIR has a single peer", "[notes]") {
    const Folder folder;
    Context context;
    Socket bound(context, ZMQ_PAIR), first(context, ZMQ_PAIR), second(context, ZMQ_PAIR);
    const std::string endpoint =
        bound.bind(GENERATE(true, false) ? any_port : folder.endpoint("pair"));
    first.connect(endpoint);
    send(first, {"from the first"});
    CHECK(receive(bound) == Frames{"from the first"});
    Monitor monitor(context, second, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    second.connect(endpoint);
    monitor.next();
    send(second, {"from the second"});
    CHECK(poll(bound, ZMQ_POLLIN, a_while) == 0);
    send(bound, {"to the first"});
    CHECK(receive(first) == Frames{"to the first"});
    CHECK(poll(second, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("7.10: XPUB and XSUB", "[notes]") {
    each_way(ZMQ_XPUB, ZMQ_XSUB, [](Socket& xpub, Socket& xsub) {
        // A bound XPUB or XSUB must first process the new connection.
        send(xsub, {"\1A"});
        zmq_pollitem_t items[] = {{xpub, 0, ZMQ_POLLIN, 0}, {xsub, 0, ZMQ_POLLIN, 0}};
        CHECK(zmq_poll(items, 2, deadline_ms) == 1);
        CHECK(receive(xpub) == Frames{"\1A"});  // subscriptions go up
        send(xpub, {"B"});
        send(xpub, {"A", "data"});
        CHECK(receive(xsub) == Frames{"A", "data"});  // data goes down
        send(xsub, {"hello"});
        CHECK(receive(xpub) == Frames{"hello"});  // other messages can also go up
    });
}

TEST_CASE("7.11: PUB and XSUB", "[notes]") {
    each_way(ZMQ_PUB, ZMQ_XSUB, [](Socket& pub, Socket& xsub) {
        send(xsub, {"\1A"});
        do {
            send(pub, {"B"});
            send(pub, {"A", "data"});
        } while (poll(xsub, ZMQ_POLLIN, 1) == 0);
        CHECK(receive(xsub) == Frames{"A", "data"});
        cannot_receive(pub);
    });
}

TEST_CASE("7.12: XPUB and SUB", "[notes]") {
    each_way(ZMQ_XPUB, ZMQ_SUB, [](Socket& xpub, Socket& sub) {
        sub.set(ZMQ_SUBSCRIBE, "A");
        zmq_pollitem_t items[] = {{xpub, 0, ZMQ_POLLIN, 0}, {sub, 0, ZMQ_POLLIN, 0}};
        CHECK(zmq_poll(items, 2, deadline_ms) == 1);
        CHECK(receive(xpub) == Frames{"\1A"});
        send(xpub, {"B"});
        send(xpub, {"A", "data"});
        CHECK(receive(sub) == Frames{"A", "data"});
        cannot_send(sub);
    });
}

namespace {

struct Type {
    int number;
    const char* name;
    const char* partners;  // an x for each valid peer, in the order of `types`
};
//                                              P S X X R R D R P P P
constexpr std::array<Type, 11> types{{{ZMQ_PUB, "PUB", ".x.x......."},
                                      {ZMQ_SUB, "SUB", "x.x........"},
                                      {ZMQ_XPUB, "XPUB", ".x.x......."},
                                      {ZMQ_XSUB, "XSUB", "x.x........"},
                                      {ZMQ_REQ, "REQ", ".....x.x..."},
                                      {ZMQ_REP, "REP", "....x.x...."},
                                      {ZMQ_DEALER, "DEALER", ".....xxx..."},
                                      {ZMQ_ROUTER, "ROUTER", "....x.xx..."},
                                      {ZMQ_PUSH, "PUSH", ".........x."},
                                      {ZMQ_PULL, "PULL", "........x.."},
                                      {ZMQ_PAIR, "PAIR", "..........x"}}};

}  // namespace

TEST_CASE("7.13: of 121 combinations over tcp 21 are accepted and 100 refused", "[notes]") {
    Context context;
    int accepted = 0, refused = 0;
    for (const Type& binding : types)
        for (size_t i = 0; i < types.size(); ++i) {
            INFO(binding.name << " binds, " << types[i].name << " connects");
            Socket bound(context, binding.number), connecting(context, types[i].number);
            constexpr int verdict = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
            Monitor at_bound(context, bound, verdict), at_connecting(context, connecting, verdict);
            connecting.connect(bound.bind(any_port));
            const bool allowed = binding.partners[i] == 'x';
            const int expected = allowed ? ZMQ_EVENT_HANDSHAKE_SUCCEEDED : ZMQ_EVENT_DISCONNECTED;
            CHECK(at_bound.next().id == expected);
            CHECK(at_connecting.next().id == expected);
            ++(allowed ? accepted : refused);
        }
    CHECK(accepted == 21);
    CHECK(refused == 100);
}

TEST_CASE("7.13: the list has twelve pairs", "[notes]") {
    // The pairs of 7.1 to 7.12, counted in the table that the test above compares.
    int pairs = 0;
    for (size_t row = 0; row < types.size(); ++row)
        for (size_t column = row; column < types.size(); ++column) {
            CHECK(types[row].partners[column] == types[column].partners[row]);
            pairs += types[row].partners[column] == 'x';
        }
    CHECK(pairs == 12);
}

TEST_CASE("7.13: only the socket monitor reports a refusal", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), pub(context, ZMQ_PUB);
    Monitor monitor(context, push, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED);
    const std::string endpoint = pub.bind(any_port);
    CHECK(zmq_connect(push, endpoint.c_str()) == 0);
    CHECK(monitor.next().id == ZMQ_EVENT_CONNECTED);
    CHECK(monitor.next().id == ZMQ_EVENT_DISCONNECTED);
    CHECK(zmq_send(pub, "x", 1, ZMQ_DONTWAIT) == 1);

    Socket sub(context, ZMQ_SUB);  // a connecting PUSH queues even for a peer of the wrong type
    Socket other(context, ZMQ_PUSH);
    Monitor of_other(context, other, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED);
    sub.set(ZMQ_SUBSCRIBE, "");
    CHECK(zmq_connect(other, sub.bind(any_port).c_str()) == 0);
    CHECK(zmq_send(other, "x", 1, ZMQ_DONTWAIT) == 1);
    CHECK(of_other.next().id == ZMQ_EVENT_CONNECTED);
    CHECK(of_other.next().id == ZMQ_EVENT_DISCONNECTED);
    CHECK(poll(sub, ZMQ_POLLIN, a_while) == 0);
}

TEST_CASE("7.13: over inproc no combination is refused", "[notes]") {
    Context all;
    for (const Type& binding : types)
        for (const Type& other : types) {
            INFO(binding.name << " binds, " << other.name << " connects");
            Socket bound(all, binding.number), connecting(all, other.number);
            const std::string endpoint = "inproc://"s + binding.name + "-" + other.name;
            CHECK(zmq_bind(bound, endpoint.c_str()) == 0);
            CHECK(zmq_connect(connecting, endpoint.c_str()) == 0);
            // Only these show that they have a peer.
            for (const int type : {ZMQ_DEALER, ZMQ_PUSH, ZMQ_PAIR})
                if (binding.number == type) CHECK(poll(bound, ZMQ_POLLOUT) == ZMQ_POLLOUT);
        }
    Context context;
    Socket pair(context, ZMQ_PAIR), dealer(context, ZMQ_DEALER);
    pair.bind("inproc://anything");
    dealer.connect("inproc://anything");
    send(dealer, {"to the pair"});
    CHECK(receive(pair) == Frames{"to the pair"});
    send(pair, {"to the dealer"});
    CHECK(receive(dealer) == Frames{"to the dealer"});
}

TEST_CASE("7.13: a STREAM exchanges bytes with plain TCP", "[notes]") {
    Context context;
    Socket stream(context, ZMQ_STREAM);
    RawPeer plain(stream.bind(any_port));
    const Frames hello = receive(stream);  // routing ID and an empty frame: a connection
    REQUIRE(hello.size() == 2);
    CHECK(hello[1] == "");
    plain.send("GET /\n");
    CHECK(receive(stream) == Frames{hello[0], "GET /\n"});
    send(stream, {hello[0], "no"});
    CHECK(plain.receive(2) == "no");
}

}  // namespace notes
