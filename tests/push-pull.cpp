#include <csignal>
#include <deque>

#include "catch.hpp"
#include "handshake.hpp"
#include "peer.hpp"
#include "relay.hpp"

namespace {

Lines one_to(int last) {
    Lines all;
    for (int n = 1; n <= last; ++n) all.push_back(std::to_string(n));
    return all;
}

}  // namespace

TEST_CASE("push-pull: every task is done once, also beyond the high-water marks", "[push-pull]") {
    Process sinker("push-pull/sinker --count 20000 --bind " + any_port);
    Process sender("push-pull/sender --count 20000 --workers 3 --bind " + any_port);
    const std::string worker =
        "push-pull/worker --sink " + sinker.endpoint() + " --connect " + sender.endpoint();
    sinker.signal(SIGSTOP);  // all queues in front of it fill up
    std::deque<Process> workers;
    for (int i = 0; i < 3; ++i) workers.emplace_back(worker);
    for (auto& one : workers)
        for (int n = 0; n < 1001; ++n) one.wait_for("task ");
    sinker.signal(SIGCONT);
    CHECK(sinker.wait() == 0);
    CHECK(sender.wait() == 0);
    CHECK(sender.lines_with("task") == one_to(20000));
    CHECK(sorted(sinker.lines_with("result")) == sorted(one_to(20000)));
}

TEST_CASE("push-pull: a sender of either pipeline waits for its workers and no other peers",
          "[push-pull]") {
    const std::string path = GENERATE("push-pull/sender", "push-pull2/sender");
    Process sender(path + " --count 12 --workers 4 --bind " + any_port);
    const std::string endpoint = sender.endpoint();
    const RawPeer silent(endpoint);
    RawPeer old(endpoint);
    old.send(std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x01\x07\0\0", 14));  // a PULL of ZMTP 2.0
    old.wait_for_end();
    {
        RawPeer left(endpoint);  // a worker that left still counts
        REQUIRE(zmtp::shake_hands(left, "PULL"));
        left.send(std::string("\4\7\4PING\0\0", 9));
        left.receive(7);  // PONG: it has been counted
    }
    Peer workers[]{Peer(ZMQ_PULL), Peer(ZMQ_PULL), Peer(ZMQ_PULL)};
    for (Peer* worker : {&workers[0], &workers[1]})
        worker->connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK(poll(workers[0], ZMQ_POLLIN, 100) == 0);
    workers[2].connect(endpoint);
    Lines tasks;
    for (auto& worker : workers)
        for (int n = 0; n < 4; ++n) {
            const std::string task = worker.receive().at(0);  // "7" or "a 7"
            tasks.push_back(task.substr(task.rfind(' ') + 1));
        }
    CHECK(sorted(tasks) == sorted(one_to(12)));
    CHECK(sender.wait() == 0);
}

TEST_CASE(
    "push-pull: a worker and a sinker name what is no number, and pass on the rest as it came",
    "[push-pull]") {
    const std::vector<Frames> odd = {{""},    {"x"},      {"0"},     {"-1"},
                                     {"+1"},  {"1 "},     {" 1"},    {"1.0"},
                                     {"0x1"}, {"1", "2"}, {"", "1"}, {"18446744073709551616"}};
    Lines named;
    for (const auto& frames : odd) named.push_back(frames[0]);
    Peer tasks(ZMQ_PUSH), results(ZMQ_PUSH);
    Process sinker("push-pull/sinker --count 2 --bind " + any_port);
    const std::string sink = sinker.endpoint();
    Process worker("push-pull/worker --connect " + tasks.bind(any_port) + " --sink " + sink);
    results.connect(sink);
    for (const auto& frames : odd) {
        tasks.send(frames);
        results.send(frames);
    }
    sinker.wait_for_error(named.back());
    for (const auto* task : {"2147483648", "007"}) tasks.send({task});
    CHECK(sinker.wait() == 0);
    CHECK(sinker.lines_with("result") == Lines{"2147483648", "007"});
    CHECK(sinker.last_line() == "2 of 2 results");
    CHECK(sinker.ignored() == named);
    CHECK(worker.stop(SIGINT) == 128 + SIGINT);
    CHECK(worker.lines() == Lines{"task 2147483648", "task 007", "2 tasks"});
    CHECK(worker.ignored() == named);
}

TEST_CASE("push-pull: Ctrl-C ends a worker in a task, or whose results no sinker takes",
          "[push-pull]") {
    const bool in_a_task = GENERATE(true, false);
    const Folder folder;
    Peer sender(ZMQ_PUSH);
    Process worker("push-pull/worker --connect " + sender.bind(any_port) + " --sink " +
                   folder.endpoint("r") + (in_a_task ? " --work 60000" : ""));
    for (int n = 1; n <= 2000; ++n) sender.send({std::to_string(n)});
    worker.wait_for(in_a_task ? "task 1" : "task 1001");
    CHECK(worker.stop(SIGINT) == 128 + SIGINT);
    CHECK(worker.last_line() == (in_a_task ? "0 tasks" : "1000 tasks"));
}

// libzmq takes the answer for ZMTP 1. If it refused that, it would never connect again.
TEST_CASE("push-pull: a worker connects again after an answer that is not ZMTP", "[push-pull]") {
    Peer sender(ZMQ_PUSH);
    Process sinker("push-pull/sinker --count 1 --bind " + any_port);
    Relay relay(sinker.endpoint(), {"HTTP/1.1 400 Bad Request\r\n\r\n"});
    Process worker("push-pull/worker --connect " + sender.bind(any_port) + " --sink " +
                   relay.endpoint());
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (relay.bytes().empty()) REQUIRE(std::chrono::steady_clock::now() < end);
    sender.send({"1"});
    CHECK(sinker.wait() == 0);
}
