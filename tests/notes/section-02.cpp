// Section 2 of the notes: REQ-REP.
#include <deque>

#include "notes.hpp"

namespace notes {

TEST_CASE("2.1: REQ and REP are the request-reply pattern", "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP), req(context, ZMQ_REQ);
    req.connect(rep.bind(any_port));
    char buffer[16];

    CHECK(zmq_send(req, "question", 8, 0) == 8);
    REQUIRE(zmq_recv(rep, buffer, sizeof buffer, 0) == 8);
    CHECK(std::string(buffer, 8) == "question");
    CHECK(zmq_send(rep, "answer", 6, 0) == 6);
    REQUIRE(zmq_recv(req, buffer, sizeof buffer, 0) == 6);
    CHECK(std::string(buffer, 6) == "answer");
}

TEST_CASE("2.2: a REQ has one request outstanding and a second one fails with EFSM", "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP), req(context, ZMQ_REQ);
    req.connect(rep.bind(any_port));

    CHECK(zmq_send(req, "1", 1, 0) == 1);
    CHECK(error_of(zmq_send(req, "2", 1, 0)) == EFSM);
    CHECK(poll(req, ZMQ_POLLOUT, 0) == 0);

    // libzmq did not keep the second one: the next request after the first is the third.
    CHECK(receive(rep) == Frames{"1"});
    send(rep, {"reply to 1"});
    CHECK(receive(req) == Frames{"reply to 1"});
    CHECK(zmq_send(req, "3", 1, 0) == 1);
    CHECK(receive(rep) == Frames{"3"});
}

TEST_CASE("2.2: a REP sends one reply to each request", "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP), req(context, ZMQ_REQ);
    req.connect(rep.bind(any_port));

    for (int i = 0; i < 2; ++i) {  // libzmq does not keep a second reply for the next request
        send(req, {"request"});
        receive(rep);
        CHECK(zmq_send(rep, "first", 5, 0) == 5);
        CHECK(error_of(zmq_send(rep, "second", 6, 0)) == EFSM);
        CHECK(receive(req) == Frames{"first"});
    }
}

TEST_CASE("2.2: a request may have several frames and a REP reads all before it replies",
          "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP), req(context, ZMQ_REQ);
    req.connect(rep.bind(any_port));

    CHECK(zmq_send(req, "a", 1, ZMQ_SNDMORE) == 1);
    CHECK(zmq_send(req, "b", 1, ZMQ_SNDMORE) == 1);
    CHECK(zmq_send(req, "c", 1, 0) == 1);
    char frame[1];
    for (const char expected : {'a', 'b', 'c'}) {
        // Fails until the last frame has been read.
        CHECK(error_of(zmq_send(rep, "early", 5, 0)) == EFSM);
        CHECK(zmq_recv(rep, frame, sizeof frame, 0) == 1);
        CHECK(frame[0] == expected);
    }
    CHECK(rep.get(ZMQ_RCVMORE) == 0);
    CHECK(zmq_send(rep, "reply", 5, 0) == 5);
    CHECK(receive(req) == Frames{"reply"});
}

TEST_CASE("2.2: many REQ may have a request in flight to one REP", "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP);
    const std::string endpoint = rep.bind(any_port);
    std::deque<Socket> clients;
    for (const auto* request : {"0", "1", "2"}) {
        clients.emplace_back(context, ZMQ_REQ).connect(endpoint);
        CHECK(zmq_send(clients.back(), request, 1, 0) == 1);
    }
    // All three are sent before the REP reads the first. Each reply goes to its own client.
    for (int i = 0; i < 3; ++i) {
        const Frames request = receive(rep);
        send(rep, {"reply to " + request.at(0)});
    }
    CHECK(receive(clients[0]) == Frames{"reply to 0"});
    CHECK(receive(clients[1]) == Frames{"reply to 1"});
    CHECK(receive(clients[2]) == Frames{"reply to 2"});
}

TEST_CASE("2.2: ZMQ_REQ_RELAXED lets a REQ send a second request", "[notes]") {
    Context context;
    Socket router(context, ZMQ_ROUTER), req(context, ZMQ_REQ);
    const int on = 1;
    CHECK(zmq_setsockopt(req, ZMQ_REQ_RELAXED, &on, sizeof on) == 0);
    CHECK(zmq_setsockopt(req, ZMQ_REQ_CORRELATE, &on, sizeof on) == 0);
    req.connect(router.bind(any_port));

    CHECK(zmq_send(req, "1", 1, 0) == 1);
    CHECK(zmq_send(req, "2", 1, 0) == 1);
    // CORRELATE adds a number, so the REQ recognises the late reply to the first and drops it.
    const Frames first = receive(router), second = receive(router);  // routing ID, number, "", body
    REQUIRE(first.size() == 4);
    REQUIRE(second.size() == 4);
    CHECK(first[1] != second[1]);
    CHECK(first[3] == "1");
    CHECK(second[3] == "2");
    send(router, {first[0], first[1], "", "reply to 1"});
    send(router, {second[0], second[1], "", "reply to 2"});
    CHECK(receive(req) == Frames{"reply to 2"});
}

TEST_CASE("2.2: without ZMQ_REQ_CORRELATE a REQ mistakes the late reply for the second one",
          "[notes]") {
    Context context;
    Socket router(context, ZMQ_ROUTER), req(context, ZMQ_REQ);
    req.set(ZMQ_REQ_RELAXED, 1).connect(router.bind(any_port));

    send(req, {"1"});
    send(req, {"2"});
    for (const auto* number : {"1", "2"}) {
        const Frames request = receive(router);  // routing ID, "", body
        REQUIRE(request.size() == 3);
        CHECK(request[2] == number);
        send(router, {request[0], "", "reply to "s + number});
    }
    CHECK(receive(req) == Frames{"reply to 1"});
}

TEST_CASE("2.3: request and reply alternate and both ends enforce it", "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP), req(context, ZMQ_REQ);
    req.connect(rep.bind(any_port));
    char buffer[16];

    CHECK(error_of(zmq_send(rep, "x", 1, 0)) == EFSM);                 // no request yet
    CHECK(error_of(zmq_recv(req, buffer, sizeof buffer, 0)) == EFSM);  // no request yet
    for (int i = 0; i < 5; ++i) {
        CHECK(zmq_send(req, "a", 1, 0) == 1);
        CHECK(error_of(zmq_send(req, "a", 1, 0)) == EFSM);
        CHECK(zmq_recv(rep, buffer, sizeof buffer, 0) == 1);
        CHECK(error_of(zmq_recv(rep, buffer, sizeof buffer, 0)) ==
              EFSM);  // a reply must come first
        CHECK(zmq_send(rep, "b", 1, 0) == 1);
        CHECK(error_of(zmq_send(rep, "b", 1, 0)) == EFSM);
        CHECK(zmq_recv(req, buffer, sizeof buffer, 0) == 1);
        CHECK(error_of(zmq_recv(req, buffer, sizeof buffer, 0)) ==
              EFSM);  // a request must come first
    }
}

TEST_CASE("2.3: a REP serves its clients one at a time", "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP), a(context, ZMQ_REQ), b(context, ZMQ_REQ);
    const std::string endpoint = rep.bind("inproc://server");
    a.connect(endpoint);
    b.connect(endpoint);
    send(a, {"a"});
    send(b, {"b"});  // over inproc both have arrived now

    const Frames first = receive(rep);
    CHECK(poll(rep, ZMQ_POLLIN | ZMQ_POLLOUT) == ZMQ_POLLOUT);  // it cannot read b now
    send(rep, first);
    const Frames second = receive(rep);
    CHECK(first != second);
    send(rep, second);
    CHECK(receive(a) == Frames{"a"});
    CHECK(receive(b) == Frames{"b"});
}

TEST_CASE("2.4: after a timeout a REQ can only continue to wait", "[notes]") {
    Context context;
    Socket rep(context, ZMQ_REP), req(context, ZMQ_REQ);
    req.connect(rep.bind(any_port)).set(ZMQ_RCVTIMEO, 10);
    char buffer[16];

    send(req, {"request"});
    receive(rep);
    CHECK(error_of(zmq_recv(req, buffer, sizeof buffer, 0)) == EAGAIN);  // no reply in time
    CHECK(error_of(zmq_send(req, "again", 5, 0)) == EFSM);
    CHECK(error_of(zmq_recv(req, buffer, sizeof buffer, 0)) == EAGAIN);

    req.set(ZMQ_RCVTIMEO, deadline_ms);  // it still receives a late reply
    send(rep, {"late"});
    CHECK(receive(req) == Frames{"late"});
}

TEST_CASE("2.4: after a timeout ZMQ_REQ_RELAXED or a new socket helps", "[notes]") {
    Context context;
    Socket router(context, ZMQ_ROUTER), req(context, ZMQ_REQ), fresh(context, ZMQ_REQ);
    const std::string endpoint = router.bind(any_port);
    req.connect(endpoint).set(ZMQ_RCVTIMEO, 10);
    send(req, {"request"});
    receive(router);
    CHECK(error_of(zmq_recv(req, nullptr, 0, 0)) == EAGAIN);
    CHECK(error_of(zmq_send(req, "again", 5, 0)) == EFSM);

    const bool relaxed = GENERATE(true, false);
    Socket& out = relaxed ? req : fresh;
    if (relaxed)
        req.set(ZMQ_REQ_RELAXED, 1);
    else
        fresh.connect(endpoint);
    CHECK(zmq_send(out, "again", 5, 0) == 5);
    const Frames request = receive(router);
    REQUIRE(request.size() == 3);
    CHECK(request[2] == "again");
    send(router, {request[0], "", "reply"});
    out.set(ZMQ_RCVTIMEO, deadline_ms);
    CHECK(receive(out) == Frames{"reply"});
}

TEST_CASE("2.4: a REQ does not send a request again if its server has died", "[notes]") {
    const Folder folder;
    const std::string endpoint = folder.endpoint("s");
    Context context;
    Socket req(context, ZMQ_REQ);
    Monitor monitor(context, req, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    req.connect(endpoint);
    {
        Context server;
        Socket rep(server, ZMQ_REP);
        rep.bind(endpoint);
        send(req, {"request"});
        CHECK(receive(rep) == Frames{"request"});
        monitor.next();
    }
    Context server;
    Socket rep(server, ZMQ_REP);
    rep.bind(endpoint);
    monitor.next();  // connected again
    CHECK(error_of(zmq_send(req, "again", 5, 0)) == EFSM);

    Socket fresh(context, ZMQ_REQ);  // a new socket helps
    fresh.connect(endpoint);
    send(fresh, {"fresh"});
    CHECK(receive(rep) == Frames{"fresh"});
    send(rep, {"reply"});
    CHECK(receive(fresh) == Frames{"reply"});
    CHECK(poll(rep, ZMQ_POLLIN, a_while) == 0);  // the first request did not arrive again
    CHECK(poll(req, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("2.4: without a peer a bound REQ cannot send and a connecting one queues", "[notes]") {
    const Folder folder;
    Context context;
    Socket bound(context, ZMQ_REQ), connecting(context, ZMQ_REQ);
    bound.bind(any_port);
    CHECK(error_of(zmq_send(bound, "request", 7, ZMQ_DONTWAIT)) == EAGAIN);

    connecting.connect(folder.endpoint("s"));
    CHECK(zmq_send(connecting, "request", 7, ZMQ_DONTWAIT) == 7);
    Socket rep(context, ZMQ_REP);
    rep.bind(folder.endpoint("s"));
    CHECK(receive(rep) == Frames{"request"});
}

}  // namespace notes
