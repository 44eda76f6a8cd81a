// Section 10 of the notes: extended request-reply.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <map>
#include <memory>
#include <thread>

#include "notes.hpp"

namespace notes {

namespace {

const std::string front = "inproc://frontend", back = "inproc://backend";

/// Forwards one whole message; each frame keeps its MORE flag.
bool forward(void* from, void* to) {
    int more = 1;
    while (more == 1) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, from, 0) == -1) return false;
        more = zmq_msg_more(&frame);
        if (zmq_msg_send(&frame, to, more == 1 ? ZMQ_SNDMORE : 0) == -1) return false;
    }
    return true;
}

/// A broker with zmq_poll. It runs until the context ends.
void zmq_poll_loop(void* frontend, void* backend) {
    zmq_pollitem_t items[] = {{frontend, 0, ZMQ_POLLIN, 0}, {backend, 0, ZMQ_POLLIN, 0}};
    bool lives = true;
    while (lives && zmq_poll(items, 2, -1) != -1) {
        if ((items[0].revents & ZMQ_POLLIN) != 0) lives = forward(frontend, backend);
        if (lives && (items[1].revents & ZMQ_POLLIN) != 0) lives = forward(backend, frontend);
    }
}

/// The built-in broker.
void built_in_proxy(void* frontend, void* backend) { zmq_proxy(frontend, backend, nullptr); }

/// Three clients with four requests each, two workers, and `broker` between them. Returns how many
/// requests each worker has answered. Each client must receive the replies to its own requests.
std::map<std::string, int> three_clients_two_workers(void (*broker)(void*, void*)) {
    const Context context;
    Socket frontend(context, ZMQ_ROUTER), backend(context, ZMQ_DEALER);
    frontend.bind(front);
    backend.bind(back);
    std::vector<std::unique_ptr<Socket>> workers, clients;
    for (int i = 0; i < 2; ++i) {
        workers.push_back(std::make_unique<Socket>(context, ZMQ_REP));
        workers.back()->connect(back);
    }
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<Socket>(context, ZMQ_REQ));
        clients.back()->connect(front);
    }
    REQUIRE(poll(backend, ZMQ_POLLOUT) == ZMQ_POLLOUT);  // it has workers

    std::vector<std::thread> threads;
    threads.emplace_back(broker, static_cast<void*>(frontend), static_cast<void*>(backend));
    for (const std::string name : {"first", "second"})
        threads.emplace_back([name, worker = workers[name == "first" ? 0 : 1].get()] {
            try {
                while (true) {
                    Frames request = receive(*worker);
                    request.push_back(name);
                    send(*worker, request);
                }
            } catch (const std::exception&) {  // the context has ended
            }
        });
    std::map<std::string, int> answered;
    for (int turn = 0; turn < 4; ++turn) {
        for (int i = 0; i < 3; ++i)
            send(*clients[static_cast<size_t>(i)], {"client", std::to_string(10 * i + turn)});
        for (int i = 0; i < 3; ++i) {
            const Frames reply = receive(*clients[static_cast<size_t>(i)]);
            REQUIRE(reply.size() == 3);
            CHECK(reply[1] == std::to_string(10 * i + turn));
            ++answered[reply[2]];
        }
    }
    check(zmq_ctx_shutdown(context));
    for (auto& thread : threads) thread.join();
    return answered;
}

/// A broker that one thread runs step by step.
struct Broker {
    Context context;
    Socket frontend{context, ZMQ_ROUTER}, backend{context, ZMQ_DEALER};
    Broker() {
        frontend.bind(front);
        backend.bind(back);
    }
    void request() { REQUIRE(forward(frontend, backend)); }
    void reply() { REQUIRE(forward(backend, frontend)); }
};

}  // namespace

TEST_CASE("10.1: a ROUTER and a DEALER between them let many REQs share many REPs", "[notes]") {
    const std::map<std::string, int> six_each{{"first", 6}, {"second", 6}};
    CHECK(three_clients_two_workers(zmq_poll_loop) == six_each);
}

TEST_CASE("10.2: each client and each worker has one socket and the broker two", "[notes]") {
    const Context context;
    const int clients = 3, workers = 2;
    check(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, clients + workers + 2));
    Socket frontend(context, ZMQ_ROUTER), backend(context, ZMQ_DEALER);
    frontend.bind(front);
    backend.bind(back);
    Socket a(context, ZMQ_REP), b(context, ZMQ_REP);
    Socket x(context, ZMQ_REQ), y(context, ZMQ_REQ), z(context, ZMQ_REQ);
    CHECK(error_of(zmq_socket(context, ZMQ_REQ)) == EMFILE);  // the limit is reached
    a.connect(back);
    b.connect(back);
    for (Socket* client : {&x, &y, &z}) {
        client->connect(front);
        send(*client, {"Hello"});
        REQUIRE(forward(frontend, backend));
    }
    for (Socket* worker : {&a, &b, &a}) {  // a has two of the three
        CHECK(receive(*worker) == Frames{"Hello"});
        send(*worker, {"World"});
        REQUIRE(forward(backend, frontend));
    }
    for (Socket* client : {&x, &y, &z}) CHECK(receive(*client) == Frames{"World"});
}

TEST_CASE("10.3: the broker distributes requests round-robin and returns each reply to its client",
          "[notes]") {
    Broker broker;
    Socket client(broker.context, ZMQ_REQ);
    Socket first(broker.context, ZMQ_REP), second(broker.context, ZMQ_REP);
    first.connect(back);
    second.connect(back);
    client.connect(front);
    for (int i = 0; i < 6; ++i) {
        send(client, {std::to_string(i)});
        broker.request();
        Socket& worker = i % 2 == 0 ? first : second;
        CHECK(receive(worker) == Frames{std::to_string(i)});
        send(worker, {std::to_string(10 * i)});
        broker.reply();
        CHECK(receive(client) == Frames{std::to_string(10 * i)});
    }
    // Two requests at the same time. The worker with the second one replies first.
    Socket other_client(broker.context, ZMQ_REQ);
    other_client.connect(front);
    send(client, {"one"});
    broker.request();
    send(other_client, {"two"});
    broker.request();
    CHECK(receive(first) == Frames{"one"});
    CHECK(receive(second) == Frames{"two"});
    send(second, {"reply to two"});
    broker.reply();
    send(first, {"reply to one"});
    broker.reply();
    CHECK(receive(client) == Frames{"reply to one"});
    CHECK(receive(other_client) == Frames{"reply to two"});
}

TEST_CASE("10.3: a busy worker gets its share even if another one is idle", "[notes]") {
    Broker broker;
    Socket busy(broker.context, ZMQ_REP), idle(broker.context, ZMQ_REP);
    busy.connect(back);
    idle.connect(back);
    std::vector<std::unique_ptr<Socket>> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(std::make_unique<Socket>(broker.context, ZMQ_REQ));
        clients.back()->connect(front);
        send(*clients.back(), {std::to_string(i)});
        broker.request();
    }
    for (const std::string request : {"1", "3"}) {
        CHECK(receive(idle) == Frames{request});
        send(idle, {"done"});
    }
    CHECK(poll(idle, ZMQ_POLLIN, 0) == 0);  // 0 and 2 wait for the busy worker
    CHECK(receive(busy) == Frames{"0"});
    send(busy, {"done"});
    CHECK(receive(busy) == Frames{"2"});
}

TEST_CASE("10.4: a broker with zmq_poll forwards whole messages with all their frames", "[notes]") {
    Broker broker;
    Socket client(broker.context, ZMQ_REQ), worker(broker.context, ZMQ_REP);
    worker.connect(back);
    client.connect(front);
    send(client, {"a", "", "c"});
    broker.request();
    CHECK(receive(worker) == Frames{"a", "", "c"});
    send(worker, {"", "e"});
    broker.reply();
    CHECK(receive(client) == Frames{"", "e"});
}

TEST_CASE("10.4: frames forwarded without ZMQ_SNDMORE are no longer one message", "[notes]") {
    Broker broker;
    Socket client(broker.context, ZMQ_REQ), worker(broker.context, ZMQ_DEALER);
    worker.connect(back);
    client.set(ZMQ_ROUTING_ID, "cli").connect(front);
    send(client, {"Hello"});
    const Frames request = receive(broker.frontend);
    CHECK(request == Frames{"cli", "", "Hello"});  // routing ID, delimiter, request
    for (const auto& frame : request) send(broker.backend, {frame});
    for (const auto& frame : request) CHECK(receive(worker) == Frames{frame});
}

TEST_CASE("10.4: frames forwarded one by one are not a request for a REP", "[notes]") {
    Broker broker;
    Socket client(broker.context, ZMQ_REQ), other_client(broker.context, ZMQ_REQ);
    Socket worker(broker.context, ZMQ_REP);
    worker.connect(back);
    client.connect(front);
    other_client.connect(front);
    send(client, {"in frames"});
    for (const auto& frame : receive(broker.frontend)) send(broker.backend, {frame});
    send(other_client, {"whole"});
    broker.request();
    CHECK(receive(worker) == Frames{"whole"});  // the first request that it receives
}

TEST_CASE("10.5: zmq_proxy does the same with sockets of its caller", "[notes]") {
    const std::map<std::string, int> six_each{{"first", 6}, {"second", 6}};
    CHECK(three_clients_two_workers(built_in_proxy) == six_each);
}

TEST_CASE("10.5: zmq_proxy copies both directions frame by frame to its capture socket",
          "[notes]") {
    const Context context;
    Socket frontend(context, ZMQ_ROUTER), backend(context, ZMQ_DEALER);
    Socket capture(context, ZMQ_PUSH), copies(context, ZMQ_PULL);
    frontend.bind(front);
    backend.bind(back);
    capture.bind("inproc://capture");
    copies.connect("inproc://capture");
    Socket client(context, ZMQ_REQ), worker(context, ZMQ_REP);
    client.set(ZMQ_ROUTING_ID, "cli").connect(front);
    worker.connect(back);
    std::thread proxy([&] { zmq_proxy(frontend, backend, capture); });
    send(client, {"p1", "p2"});
    CHECK(receive(worker) == Frames{"p1", "p2"});
    send(worker, {"p3"});
    CHECK(receive(client) == Frames{"p3"});
    CHECK(receive(copies) == Frames{"cli", "", "p1", "p2"});
    CHECK(receive(copies) == Frames{"cli", "", "p3"});
    check(zmq_ctx_shutdown(context));
    proxy.join();
}

TEST_CASE("10.5: zmq_proxy returns only with -1 when the context ends", "[notes]") {
    const Context context;
    Socket frontend(context, ZMQ_ROUTER), backend(context, ZMQ_DEALER);
    frontend.bind(front);
    backend.bind(back);
    auto proxy = std::async(std::launch::async,
                            [&] { return error_of(zmq_proxy(frontend, backend, nullptr)); });
    Socket client(context, ZMQ_REQ), worker(context, ZMQ_REP);
    client.connect(front);
    worker.connect(back);
    send(client, {"Hello"});
    CHECK(receive(worker) == Frames{"Hello"});  // it runs
    CHECK(proxy.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    check(zmq_ctx_shutdown(context));
    CHECK(proxy.get() == ETERM);
}

TEST_CASE("10.5: zmq_proxy also returns with -1 at a signal", "[notes]") {
    const Context context;
    Socket frontend(context, ZMQ_ROUTER), backend(context, ZMQ_DEALER);
    frontend.bind(front);
    backend.bind(back);
    struct sigaction handler {
    }, before;
    handler.sa_handler = [](int) {};
    check(sigaction(SIGUSR1, &handler, &before));
    std::atomic<bool> returned{false};
    int error = 0;
    std::thread proxy([&] {
        error = error_of(zmq_proxy(frontend, backend, nullptr));
        returned = true;
    });
    while (!returned) {  // a signal that comes before the call does not end it
        pthread_kill(proxy.native_handle(), SIGUSR1);
        std::this_thread::yield();
    }
    proxy.join();
    check(sigaction(SIGUSR1, &before, nullptr));
    CHECK(error == EINTR);
}

TEST_CASE("10.5: zmq_proxy_steerable returns 0 on the command TERMINATE", "[notes]") {
    const Context context;
    Socket frontend(context, ZMQ_ROUTER), backend(context, ZMQ_DEALER);
    Socket control(context, ZMQ_PAIR), steer(context, ZMQ_PAIR);
    frontend.bind(front);
    backend.bind(back);
    control.bind("inproc://control");
    steer.connect("inproc://control");
    auto proxy = std::async(std::launch::async, [&] {
        return zmq_proxy_steerable(frontend, backend, nullptr, control);
    });
    Socket client(context, ZMQ_REQ), worker(context, ZMQ_REP);
    client.connect(front);
    worker.connect(back);
    send(client, {"Hello"});
    CHECK(receive(worker) == Frames{"Hello"});  // it runs
    CHECK(proxy.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    send(steer, {"TERMINATE"});
    CHECK(proxy.get() == 0);
}

}  // namespace notes
