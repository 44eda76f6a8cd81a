// Section 14 of the notes: node coordination.
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "notes.hpp"
#include "relay.hpp"

namespace notes {

namespace {

constexpr int connection_events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED |
                                  ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                                  ZMQ_EVENT_CONNECT_RETRIED;

/// A socket with a quick reconnect and a monitor.
struct Node {
    Context context;
    Socket socket;
    Monitor monitor{context, socket, connection_events};
    explicit Node(int type) : socket(context, type) { socket.set(ZMQ_RECONNECT_IVL, 10); }
};

/// Sends `word` to `bound` from new nodes, one after another, until one arrives. `bound` refuses a
/// node until it has finished with the previous one, and nothing reports when. Returns the first
/// message at `bound` other than `earlier`, which an abandoned node may have sent once more.
Frames from_fresh_nodes(int type, void* bound, const std::string& endpoint, const std::string& word,
                        const std::string& earlier = "") {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (std::chrono::steady_clock::now() < end) {
        Node fresh(type);
        fresh.socket.connect(endpoint);
        send(fresh.socket, {word});
        while (poll(bound, ZMQ_POLLIN, a_while) == ZMQ_POLLIN)
            if (const Frames message = receive(bound); message != Frames{earlier}) return message;
    }
    return {"no node was taken"};
}

/// Two sockets of one type and a network between them that breaks while the bound socket is idle.
/// The other one reconnects, both monitors report a successful handshake, and it sends.
struct BrokenNetwork {
    Node bound, connected;
    Relay relay;
    explicit BrokenNetwork(int type)
        : bound(type), connected(type), relay(bound.socket.bind(any_port)) {
        connected.socket.connect(relay.endpoint());
        send(connected.socket, {"before"});
        CHECK(receive(bound.socket) == Frames{"before"});
        bound.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        connected.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        relay.cut();
        connected.monitor.wait_for(ZMQ_EVENT_DISCONNECTED);
        connected.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        bound.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        CHECK(zmq_send(connected.socket, "after", 5, 0) == 5);
    }
};

/// Sends "later" until `sub` has received a message, and returns its first message.
Frames first_received(void* pub, void* sub) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (std::chrono::steady_clock::now() < end) {
        send(pub, {"later"});
        if (poll(sub, ZMQ_POLLIN, 1) == ZMQ_POLLIN) return receive(sub);
    }
    return {"no message arrived"};
}

/// A subscriber with its own context. Reports its first HELLO, if the publisher sends one, then
/// counts updates until END. Returns -1 if an update is missing or out of order.
int count_updates(const std::string& endpoint, const std::string& sync) {
    const Context context;
    Socket sub(context, ZMQ_SUB), req(context, ZMQ_REQ);
    sub.set(ZMQ_RCVHWM, 0).set(ZMQ_SUBSCRIBE, "").connect(endpoint);
    req.connect(sync);
    bool reported = false;
    for (int count = 0;;) {
        const std::string update = receive(sub).at(0);
        if (update == "HELLO") {
            if (!reported) {
                send(req, {"ready"});
                receive(req);
            }
            reported = true;
        } else if (update == "END") {
            return count;
        } else if (update == std::to_string(count)) {
            ++count;
        } else {
            return -1;
        }
    }
}

/// Runs three subscribers and a publisher that calls `wait` before it sends 1000 updates and END.
/// Returns the number of updates that each subscriber has received.
std::vector<int> three_subscribers(void (*wait)(void* xpub, void* rep)) {
    const Context context;
    Socket xpub(context, ZMQ_XPUB), rep(context, ZMQ_REP);
    xpub.set(ZMQ_SNDHWM, 0).set(ZMQ_XPUB_VERBOSE, 1).set(ZMQ_LINGER, -1);
    const std::string endpoint = xpub.bind(any_port), sync = rep.bind(any_port);
    std::vector<std::future<int>> subscribers;
    for (int i = 0; i < 3; ++i)
        subscribers.push_back(std::async(std::launch::async, count_updates, endpoint, sync));
    wait(xpub, rep);
    for (int i = 0; i < 1000; ++i) send(xpub, {std::to_string(i)});
    send(xpub, {"END"});
    std::vector<int> counts;
    for (auto& subscriber : subscribers) counts.push_back(subscriber.get());
    return counts;
}

}  // namespace

TEST_CASE("14.1: a PAIR has one peer and silently refuses the next", "[notes]") {
    Node bound(ZMQ_PAIR);
    const std::string endpoint = bound.socket.bind(any_port);
    auto first = std::make_unique<Node>(ZMQ_PAIR);
    first->socket.connect(endpoint);
    bound.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send(first->socket, {"one"});
    CHECK(receive(bound.socket) == Frames{"one"});
    Node second(ZMQ_PAIR);
    second.socket.connect(endpoint);
    bound.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    second.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);  // both ends report success
    CHECK(zmq_send(second.socket, "two", 3, 0) == 3);
    CHECK(poll(bound.socket, ZMQ_POLLIN, a_while) == 0);
    // The second one does not replace the first one when that leaves.
    first.reset();
    bound.monitor.wait_for(ZMQ_EVENT_DISCONNECTED);
    CHECK(zmq_send(second.socket, "three", 5, 0) == 5);
    CHECK(poll(bound.socket, ZMQ_POLLIN, a_while) == 0);
    CHECK(poll(second.monitor.reader(), ZMQ_POLLIN, 0) == 0);  // it reports no disconnect
}

TEST_CASE("14.2: a connecting PAIR reconnects to a node that leaves and returns", "[notes]") {
    const Folder folder;
    const std::string endpoint = folder.endpoint("node");
    Node stays(ZMQ_PAIR);
    stays.socket.connect(endpoint);
    for (int life = 0; life < 3; ++life) {
        Node returned(ZMQ_PAIR);
        if (life > 0) send(stays.socket, {"sent meanwhile"});
        returned.socket.bind(endpoint);
        if (life > 0) CHECK(receive(returned.socket) == Frames{"sent meanwhile"});
        stays.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        send(stays.socket, {"there"});
        CHECK(receive(returned.socket) == Frames{"there"});
        send(returned.socket, {"and back"});
        CHECK(receive(stays.socket) == Frames{"and back"});
        returned.monitor.stop();
        returned.socket.close();
        stays.monitor.wait_for(ZMQ_EVENT_DISCONNECTED);
    }
}

TEST_CASE("14.2: only ZMQ_RECONNECT_IVL -1 keeps a PAIR from reconnecting", "[notes]") {
    const Folder folder;
    const std::string endpoint = folder.endpoint("node");
    Node stays(ZMQ_PAIR);
    stays.socket.set(ZMQ_RECONNECT_IVL, -1);
    {
        Node leaves(ZMQ_PAIR);
        leaves.socket.bind(endpoint);
        stays.socket.connect(endpoint);
        stays.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
    stays.monitor.wait_for(ZMQ_EVENT_DISCONNECTED);
    Node returned(ZMQ_PAIR);
    returned.socket.bind(endpoint);
    CHECK(poll(stays.monitor.reader(), ZMQ_POLLIN, a_while) == 0);
    // Another node can connect.
    Node other(ZMQ_PAIR);
    other.socket.connect(endpoint);
    send(other.socket, {"other"});
    CHECK(receive(returned.socket) == Frames{"other"});
}

TEST_CASE("14.2: a bound PAIR accepts a new node after it has finished with the old one",
          "[notes]") {
    const Context context;
    Socket bound(context, ZMQ_PAIR);
    const std::string endpoint = bound.bind(any_port);
    CHECK(from_fresh_nodes(ZMQ_PAIR, bound, endpoint, "1") == Frames{"1"});
    CHECK(from_fresh_nodes(ZMQ_PAIR, bound, endpoint, "2", "1") == Frames{"2"});
    CHECK(from_fresh_nodes(ZMQ_PAIR, bound, endpoint, "3", "2") == Frames{"3"});
}

TEST_CASE(
    "14.2: a bound PAIR that was idle when the network broke refuses the node that reconnects",
    "[notes]") {
    BrokenNetwork network(ZMQ_PAIR);
    Socket& bound = network.bound.socket;
    CHECK(poll(bound, ZMQ_POLLIN, a_while) == 0);
    // No end reports it, and no end tries again, even after the old connection has ended.
    CHECK(zmq_send(network.connected.socket, "again", 5, 0) == 5);
    CHECK(poll(bound, ZMQ_POLLIN, a_while) == 0);
    CHECK(poll(network.connected.monitor.reader(), ZMQ_POLLIN, 0) == 0);
    // A new socket works. Messages of the refused one never arrive.
    CHECK(from_fresh_nodes(ZMQ_PAIR, bound, network.relay.endpoint(), "fresh") == Frames{"fresh"});
}

TEST_CASE("14.2: a DEALER in the same place continues without a loss", "[notes]") {
    BrokenNetwork network(ZMQ_DEALER);
    CHECK(receive(network.bound.socket) == Frames{"after"});
    send(network.connected.socket, {"again"});
    CHECK(receive(network.bound.socket) == Frames{"again"});
}

TEST_CASE(
    "14.2: a bound PAIR refuses a new node until a call finds no more messages of the old one",
    "[notes]") {
    const int calls = GENERATE(0, 1, 2);  // a receive, then a poll that finds no message
    Node bound(ZMQ_PAIR);
    const std::string endpoint = bound.socket.bind(any_port);
    {
        Node old_node(ZMQ_PAIR);
        old_node.socket.connect(endpoint);
        send(old_node.socket, {"last"});
        CHECK(poll(bound.socket, ZMQ_POLLIN) == ZMQ_POLLIN);
        bound.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
    // It is not idle: a call has processed the end of the old connection.
    while (poll(bound.socket, ZMQ_POLLOUT, 0) != 0) std::this_thread::yield();
    if (calls > 0) CHECK(receive(bound.socket) == Frames{"last"});
    if (calls > 1) CHECK(poll(bound.socket, ZMQ_POLLIN, 0) == 0);
    Node new_node(ZMQ_PAIR);
    new_node.socket.connect(endpoint);
    bound.monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK(zmq_send(new_node.socket, "new", 3, 0) == 3);
    if (calls == 0) CHECK(receive(bound.socket) == Frames{"last"});
    if (calls < 2)
        CHECK(poll(bound.socket, ZMQ_POLLIN, a_while) == 0);
    else
        CHECK(receive(bound.socket) == Frames{"new"});
}

// 14.1.x: the synchronised publisher -------------------------------------------------------------

TEST_CASE("14.1.1: a publisher that expects too few subscribers starts before the others arrive",
          "[notes]") {
    const Context context;
    Socket xpub(context, ZMQ_XPUB), early(context, ZMQ_SUB), late(context, ZMQ_SUB);
    const std::string endpoint = xpub.set(ZMQ_XPUB_VERBOSE, 1).bind(any_port);
    const int expected = 1;  // but two will come
    early.set(ZMQ_SUBSCRIBE, "").connect(endpoint);
    for (int i = 0; i < expected; ++i) CHECK(receive(xpub) == Frames{"\1"});
    send(xpub, {"first"});
    late.set(ZMQ_SUBSCRIBE, "").connect(endpoint);
    CHECK(receive(xpub) == Frames{"\1"});
    send(xpub, {"second"});
    CHECK(receive(early) == Frames{"first"});
    CHECK(receive(early) == Frames{"second"});
    CHECK(receive(late) == Frames{"second"});
}

TEST_CASE("14.1.2: a report after zmq_connect does not mean that the subscription has arrived",
          "[notes]") {
    const Context context;
    Socket pub(context, ZMQ_PUB), rep(context, ZMQ_REP), sub(context, ZMQ_SUB),
        req(context, ZMQ_REQ);
    Relay slow(pub.bind(any_port));
    slow.hold_up();
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0) == 0);
    CHECK(zmq_connect(sub, slow.endpoint().c_str()) == 0);
    req.connect(rep.bind(any_port));
    send(req, {"ready"});
    CHECK(receive(rep) == Frames{"ready"});  // over another, faster connection
    send(pub, {"first"});
    slow.let_through();
    CHECK(first_received(pub, sub) == Frames{"later"});
}

TEST_CASE("14.1.2: a report after the first HELLO means that the subscription has arrived",
          "[notes]") {
    const Context context;
    Socket pub(context, ZMQ_PUB), rep(context, ZMQ_REP);
    Relay slow(pub.bind(any_port));
    slow.hold_up();
    const std::string sync = rep.bind(any_port);
    auto subscriber = std::async(std::launch::async, count_updates, slow.endpoint(), sync);
    for (int i = 0; i < 10; ++i) {
        send(pub, {"HELLO"});
        CHECK(poll(rep, ZMQ_POLLIN, a_while / 10) == 0);
    }
    slow.let_through();
    while (poll(rep, ZMQ_POLLIN, 1) == 0) send(pub, {"HELLO"});
    CHECK(receive(rep) == Frames{"ready"});
    send(rep, {"continue"});
    for (const auto* update : {"0", "1", "END"}) send(pub, {update});
    CHECK(subscriber.get() == 2);
}

TEST_CASE("14.1.2: an XPUB can wait for the subscription itself", "[notes]") {
    const Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB);
    Relay slow(xpub.bind(any_port));
    slow.hold_up();
    sub.set(ZMQ_SUBSCRIBE, "").connect(slow.endpoint());
    CHECK(poll(xpub, ZMQ_POLLIN, a_while) == 0);
    slow.let_through();
    CHECK(receive(xpub) == Frames{"\1"});
    send(xpub, {"first"});
    CHECK(receive(sub) == Frames{"first"});
}

TEST_CASE("14.1.2: an XPUB sees equal subscriptions only with ZMQ_XPUB_VERBOSE", "[notes]") {
    const bool verbose = GENERATE(false, true);
    const Context context;
    Socket xpub(context, ZMQ_XPUB), first(context, ZMQ_SUB), second(context, ZMQ_SUB);
    const std::string endpoint = xpub.set(ZMQ_XPUB_VERBOSE, verbose ? 1 : 0).bind(any_port);
    first.set(ZMQ_SUBSCRIBE, "news").connect(endpoint);
    CHECK(receive(xpub) == Frames{"\1news"});
    second.set(ZMQ_SUBSCRIBE, "news").connect(endpoint);
    second.set(ZMQ_SUBSCRIBE, "other");  // follows the first one on the same connection
    if (verbose) CHECK(receive(xpub) == Frames{"\1news"});
    CHECK(receive(xpub) == Frames{"\1other"});
}

TEST_CASE("14.1.3: after all subscriptions are counted every subscriber gets every update",
          "[notes]") {
    const auto wait = [](void* xpub, void* /*rep*/) {
        for (int i = 0; i < 3; ++i)
            if (receive(xpub) != Frames{"\1"}) throw std::runtime_error("no subscription");
    };
    CHECK(three_subscribers(wait) == std::vector<int>(3, 1000));
}

TEST_CASE("14.1.3: after each subscriber has reported a HELLO every subscriber gets every update",
          "[notes]") {
    const auto wait = [](void* xpub, void* rep) {
        for (int reports = 0; reports < 3;) {
            send(xpub, {"HELLO"});
            if (poll(rep, ZMQ_POLLIN, 1) == 0) continue;
            receive(rep);
            send(rep, {"continue"});
            ++reports;
        }
    };
    CHECK(three_subscribers(wait) == std::vector<int>(3, 1000));
}

TEST_CASE("14.1.3: with a high-water mark on either side updates are lost", "[notes]") {
    struct Marks {
        int publisher, subscriber;
    };
    const Marks marks = GENERATE(Marks{0, 0}, Marks{1, 0}, Marks{0, 1});
    const bool no_limit = marks.publisher == 0 && marks.subscriber == 0;
    const int all = 20;  // so few that all can leave the publisher before the subscriber reads
    const Folder folder;
    const Context context;
    Socket sub(context, ZMQ_SUB);
    sub.set(ZMQ_RCVHWM, marks.subscriber).set(ZMQ_SUBSCRIBE, "");
    {
        const Context process;
        Socket xpub(process, ZMQ_XPUB);
        xpub.set(ZMQ_SNDHWM, marks.publisher).set(ZMQ_LINGER, deadline_ms);
        sub.connect(xpub.bind(folder.endpoint("updates")));
        CHECK(receive(xpub) == Frames{"\1"});
        for (int i = 0; i < all; ++i) send(xpub, {std::string(1000, 'x')});
    }
    // The publisher has ended. Above its own mark it dropped updates. Over ipc, a subscriber above
    // its mark loses the updates that it has not read before the connection ends.
    int count = 0;
    while (count < all && poll(sub, ZMQ_POLLIN, no_limit ? deadline_ms : a_while) != 0) {
        receive(sub);
        ++count;
    }
    CHECK((count == all) == no_limit);
}

}  // namespace notes
