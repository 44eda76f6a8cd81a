#include <zmq.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <set>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

namespace {

/// The numbers that stand behind `word` in the lines of a program, in their order.
std::vector<int> numbers(Process& program, const std::string& word) {
    std::vector<int> all;
    for (const auto& line : program.lines())
        if (line.rfind(word + " ", 0) == 0) all.push_back(std::stoi(line.substr(word.size() + 1)));
    return all;
}

std::vector<int> one_to(int last) {
    std::vector<int> all;
    for (int n = 1; n <= last; ++n) all.push_back(n);
    return all;
}

std::vector<int> sorted(std::vector<int> all) {
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace

TEST_CASE("push-pull: every task is done once and each worker gets its share", "[push-pull]") {
    Process sinker("push-pull/sinker", {"--bind", any_port});
    const std::string sink = sinker.endpoint();
    Process sender("push-pull/sender",
                   {"--bind", any_port, "--sink", sink, "--count", "300", "--workers", "3"});
    const std::string endpoint = sender.endpoint();
    sender.wait_for("waiting for 3 workers");
    std::deque<Process> workers;
    for (int i = 0; i < 3; ++i)
        workers.emplace_back("push-pull/worker",
                             std::vector<std::string>{"--connect", endpoint, "--sink", sink});
    CHECK(sender.wait() == 0);
    CHECK(numbers(sender, "task") == one_to(300));
    CHECK(sender.last_line() == "300 tasks");
    CHECK(sinker.wait() == 0);
    CHECK(sinker.lines()[1] == "expecting 300 results");
    CHECK(sorted(numbers(sinker, "result")) == one_to(300));
    CHECK(sinker.last_line() == "300 of 300 results, 0 missing, 0 twice");
    std::vector<int> done;
    for (auto& worker : workers) {
        CHECK(worker.stop(SIGINT) == 0);
        CHECK(worker.last_line() == "100 tasks");
        CHECK(worker.errors() == "interrupted\n");
        const auto tasks = numbers(worker, "task");
        CHECK(std::is_sorted(tasks.begin(), tasks.end()));
        done.insert(done.end(), tasks.begin(), tasks.end());
    }
    CHECK(sorted(done) == one_to(300));
}

TEST_CASE("push-pull: the programs start in any order", "[push-pull]") {
    struct Cast {
        Folder folder;
        std::map<std::string, Process> programs;
    };
    std::deque<Cast> casts;  // all at once, since a connecter tries again only from time to time
    std::vector<std::string> order{"sender", "sinker", "worker 1", "worker 2"};
    do {
        auto& [folder, programs] = casts.emplace_back();
        const auto tasks = folder.endpoint("t"), results = folder.endpoint("r");
        std::map<std::string, std::vector<std::string>> arguments{
            {"sender", {"--bind", tasks, "--sink", results, "--count", "20", "--workers", "2"}},
            {"sinker", {"--bind", results}},
            {"worker", {"--connect", tasks, "--sink", results}}};
        for (const auto& program : order) {
            const std::string kind = program.substr(0, 6);
            programs.try_emplace(program, "push-pull/" + kind, arguments[kind]);
        }
    } while (std::next_permutation(order.begin(), order.end()) && order[0] != "worker 2");
    for (auto& [folder, programs] : casts) {
        CHECK(programs.at("sender").wait() == 0);
        CHECK(programs.at("sinker").wait() == 0);
        CHECK(programs.at("sinker").last_line() == "20 of 20 results, 0 missing, 0 twice");
        for (const auto* worker : {"worker 1", "worker 2"}) {
            CHECK(programs.at(worker).stop(SIGTERM) == 0);
            CHECK(programs.at(worker).last_line() == "10 tasks");
        }
    }
}

TEST_CASE("push-pull: over ipc no result is lost beyond the high-water mark", "[push-pull]") {
    const Folder folder;
    Process sinker("push-pull/sinker", {"--bind", folder.endpoint("r"), "--quiet"});
    Process worker("push-pull/worker",
                   {"--connect", folder.endpoint("t"), "--sink", folder.endpoint("r"), "--quiet"});
    worker.signal(SIGSTOP);  // so that the sender is done before it has read much
    Process sender("push-pull/sender",
                   {"--bind", folder.endpoint("t"), "--sink", folder.endpoint("r"), "--workers",
                    "0", "--count", "20000", "--quiet"});
    worker.signal(SIGCONT);
    CHECK(sender.wait() == 0);
    CHECK(sender.lines().size() == 2);
    CHECK(sender.last_line().rfind("20000 tasks in ", 0) == 0);
    CHECK(sinker.wait() == 0);
    CHECK(sinker.lines().size() == 2);
    CHECK(sinker.last_line().rfind("20000 of 20000 results, 0 missing, 0 twice in ", 0) == 0);
    CHECK(worker.stop(SIGINT) == 0);
    CHECK(worker.lines().size() == 1);
}

TEST_CASE("push-pull: a sinker loses nothing of a worker that ends early over ipc", "[push-pull]") {
    const Folder folder;
    Process sinker("push-pull/sinker", {"--bind", folder.endpoint("r")});
    sinker.endpoint();
    {
        Peer worker(ZMQ_PUSH);
        worker.set(ZMQ_LINGER, -1).connect(folder.endpoint("r"));
        worker.send({"expect", "20000"});
        for (int n = 1; n <= 20000; ++n) worker.send({std::to_string(n)});
    }
    CHECK(sinker.wait() == 0);
    CHECK(sinker.last_line() == "20000 of 20000 results, 0 missing, 0 twice");
}

TEST_CASE("push-pull: a worker that has left again does not count", "[push-pull]") {
    const Folder folder;
    Process sender("push-pull/sender", {"--bind", any_port, "--sink", folder.endpoint("r"),
                                        "--count", "12", "--workers", "3"});
    const std::string endpoint = sender.endpoint();
    Peer sinker(ZMQ_PULL);
    sinker.bind(folder.endpoint("r"));
    Peer first(ZMQ_PULL), second(ZMQ_PULL), third(ZMQ_PULL);
    {
        Peer leaves(ZMQ_PULL);
        leaves.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        first.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
    const RawPeer silent(endpoint);
    second.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    third.connect(endpoint);
    std::multiset<std::string> tasks;
    for (int i = 0; i < 4; ++i)
        for (auto* worker : {&first, &second, &third}) tasks.insert(worker->receive().at(0));
    CHECK(tasks == std::multiset<std::string>{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10",
                                              "11", "12"});
    CHECK(sinker.receive() == std::vector<std::string>{"expect", "12"});
    CHECK(sender.wait() == 0);
}

TEST_CASE("push-pull: what is no worker is dealt no task", "[push-pull]") {
    Process sinker("push-pull/sinker", {"--bind", any_port});
    const std::string sink = sinker.endpoint();
    Process sender("push-pull/sender",
                   {"--bind", any_port, "--sink", sink, "--count", "20", "--workers", "2"});
    const std::string endpoint = sender.endpoint();
    const RawPeer silent(endpoint);
    RawPeer browser(endpoint), old(endpoint), noise(endpoint);
    browser.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    browser.wait_for_end();
    old.send(std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x01\x07\0\0", 14));  // a PULL of ZMTP 2.0
    old.wait_for_end();
    noise.send(
        std::string("\x01\0\x03"
                    "abc\0\0\0\0",
                    10));
    noise.wait_for_end();
    Peer subscriber(ZMQ_SUB);
    subscriber.connect_until(endpoint, ZMQ_EVENT_DISCONNECTED);
    const std::vector<std::string> arguments{"--connect", endpoint, "--sink", sink};
    Process a("push-pull/worker", arguments), b("push-pull/worker", arguments);
    CHECK(sender.wait() == 0);
    CHECK(sinker.wait() == 0);
    CHECK(sinker.last_line() == "20 of 20 results, 0 missing, 0 twice");
    CHECK(a.stop(SIGINT) == 0);
    CHECK(b.stop(SIGINT) == 0);
    CHECK(a.last_line() == "10 tasks");
    CHECK(b.last_line() == "10 tasks");
}

TEST_CASE("push-pull: results may come before the announcement", "[push-pull]") {
    Process sinker("push-pull/sinker", {"--bind", any_port});
    Peer both(ZMQ_PUSH);
    both.connect(sinker.endpoint());
    for (const auto* early : {"1", "9", "2", "2"}) both.send({early});
    both.send({"expect", "3"});
    both.send({"3"});
    CHECK(sinker.wait() == 0);
    auto lines = sinker.lines();
    lines.erase(lines.begin());
    CHECK(lines == std::vector<std::string>{"expecting 3 results", "result 1", "result 2",
                                            "result 2 again", "result 3",
                                            "3 of 3 results, 0 missing, 1 twice"});
    CHECK(sinker.errors() == "sinker: left out: result 9: nobody asked for it\n");
}

TEST_CASE("push-pull: a sinker names what makes no sense and goes on", "[push-pull]") {
    Process sinker("push-pull/sinker", {"--bind", any_port});
    Peer peer(ZMQ_PUSH);
    peer.connect(sinker.endpoint());
    peer.send({"expect", "many"});
    peer.send({"expect", "-1"});
    peer.send({"expect", "1", "2"});
    peer.send({"else", "1"});
    peer.send({"expect", "2"});
    peer.send({"expect", "1"});
    for (const auto* odd : {"", "0", "-1", "x", "1 ", " 1", "1.", "3", "2147483647", "2147483648",
                            "99999999999999999999"})
        peer.send({odd});
    peer.send({std::string(1 << 20, '1')});
    peer.send({std::string("1\0", 2)});
    peer.send({"1"});
    peer.send(std::vector<std::string>(1000, "1"));
    peer.send({"2"});
    CHECK(sinker.wait() == 0);
    CHECK(sinker.last_line() == "2 of 2 results, 0 missing, 0 twice");
    const std::string out = "sinker: left out: ";
    CHECK(sinker.errors() ==
          out + "2 frames: expect\n" + out + "2 frames: expect\n" + out + "3 frames: expect\n" +
              out + "2 frames: else\n" + out + "2 frames: expect\n" + out + "no result: \n" + out +
              "no result: 0\n" + out + "no result: -1\n" + out + "no result: x\n" + out +
              "no result: 1 \n" + out + "no result:  1\n" + out + "no result: 1.\n" + out +
              "result 3: nobody asked for it\n" + out + "result 2147483647: nobody asked for it\n" +
              out + "no result: 2147483648\n" + out + "no result: 99999999999999999999\n" + out +
              "no result: " + std::string(200, '1') + "... (1048576 bytes)\n" + out +
              "no result: 1\\x00\n" + out + "1000 frames: 1\n");
}

TEST_CASE("push-pull: a worker names what is no task and passes the rest on", "[push-pull]") {
    Peer sender(ZMQ_PUSH), sinker(ZMQ_PULL);
    sender.bind(any_port);
    sinker.bind(any_port);
    Process worker("push-pull/worker",
                   {"--connect", sender.endpoint(), "--sink", sinker.endpoint(), "--work", "1"});
    sender.send({"x"});
    sender.send({"1", "2", "3"});
    sender.send({""});
    sender.send({"0"});
    sender.send({std::string("\0\xff", 2)});
    sender.send({"7"});
    CHECK(sinker.receive() == std::vector<std::string>{"7"});
    CHECK(worker.stop(SIGINT) == 0);
    CHECK(worker.lines() == std::vector<std::string>{"waiting for the sinker", "asking for tasks",
                                                     "task 7", "1 task"});
    const std::string out = "worker: left out: no task: ";
    CHECK(worker.errors() ==
          out + "x\n" + out + "1\n" + out + "\n" + out + "0\n" + out + "\\x00\\xff\ninterrupted\n");
}

TEST_CASE("push-pull: a worker that has left does not count, whoever else is connected",
          "[push-pull]") {
    const Folder folder;
    Process sender("push-pull/sender", {"--bind", any_port, "--sink", folder.endpoint("r"),
                                        "--count", "2", "--workers", "2"});
    const std::string endpoint = sender.endpoint();
    RawPeer idle(endpoint);  // says nothing: is it the one that has got through the handshake?
    Peer(ZMQ_PULL).connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    Peer first(ZMQ_PULL), second(ZMQ_PULL);
    first.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    second.connect(endpoint);
    CHECK(first.receive().size() == 1);
    CHECK(second.receive().size() == 1);
    CHECK(sender.stop(SIGINT) == 128 + SIGINT);  // it has no sinker
}

TEST_CASE("push-pull: a worker takes no task before its sinker is there", "[push-pull]") {
    const Folder folder;
    Peer sender(ZMQ_PUSH);
    sender.bind(folder.endpoint("t"));
    Process worker("push-pull/worker",
                   {"--connect", folder.endpoint("t"), "--sink", folder.endpoint("r")});
    worker.wait_for("waiting for the sinker");
    zmq_pollitem_t item{sender.get(), 0, ZMQ_POLLOUT, 0};
    CHECK(zmq_poll(&item, 1, 300) == 0);
    Peer sinker(ZMQ_PULL);
    sinker.bind(folder.endpoint("r"));
    sender.send({"1"});
    CHECK(sinker.receive() == std::vector<std::string>{"1"});
    CHECK(worker.stop(SIGINT) == 0);
}

TEST_CASE("push-pull: a sinker names the results that were lost with a worker", "[push-pull]") {
    Process sinker("push-pull/sinker", {"--bind", any_port});
    const std::string sink = sinker.endpoint();
    Process sender("push-pull/sender",
                   {"--bind", any_port, "--sink", sink, "--count", "6", "--workers", "2"});
    const std::string endpoint = sender.endpoint();
    Process killed("push-pull/worker", {"--connect", endpoint, "--sink", sink, "--work", "60000"});
    Process worker("push-pull/worker", {"--connect", endpoint, "--sink", sink});
    CHECK(sender.wait() == 0);
    killed.wait_for("task ");
    for (int n = 0; n < 3; ++n) sinker.wait_for("result ");
    CHECK(killed.stop(SIGKILL) == -SIGKILL);
    CHECK(worker.stop(SIGINT) == 0);  // it might have had more to send
    CHECK(sinker.wait() == 1);
    const auto came = sorted(numbers(sinker, "result"));
    const bool odd = came == std::vector<int>{1, 3, 5};
    CHECK((odd || came == std::vector<int>{2, 4, 6}));
    CHECK(sinker.errors() ==
          std::string("sinker: lost, results") + (odd ? " 2 4 6\n" : " 1 3 5\n"));
    CHECK(sinker.last_line() == "3 of 6 results, 3 missing, 0 twice");
}

TEST_CASE("push-pull: an interrupted sinker says what is missing", "[push-pull]") {
    Process sinker("push-pull/sinker", {"--bind", any_port});
    Peer peer(ZMQ_PUSH);
    peer.connect(sinker.endpoint());
    peer.send({"expect", "2147483647"});
    for (const auto* n : {"1", "2147483647", "1"}) peer.send({n});
    sinker.wait_for("result 1 again");
    CHECK(sinker.stop(SIGINT) == 128 + SIGINT);
    CHECK(sinker.last_line() == "2 of 2147483647 results, 2147483645 missing, 1 twice");
    CHECK(sinker.errors() == "sinker: interrupted, not finished\n");
}

TEST_CASE("push-pull: an interrupted sinker names results that nobody announced", "[push-pull]") {
    Process sinker("push-pull/sinker", {"--bind", any_port});
    Peer peer(ZMQ_PUSH);
    peer.connect(sinker.endpoint());
    peer.send({"1"});
    peer.send({"2"});
    peer.send({"fence"});
    sinker.wait_for_error("no result: fence");
    CHECK(sinker.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(sinker.last_line() == "0 of 0 results, 0 missing, 0 twice");
    CHECK(sinker.errors().find("left out: results that nobody has announced: 2\n") !=
          std::string::npos);
}

TEST_CASE("push-pull: a sinker that starts late gets the announcement", "[push-pull]") {
    const Folder folder;
    Process sender("push-pull/sender",
                   {"--bind", any_port, "--sink", folder.endpoint("r"), "--count", "3"});
    Peer worker(ZMQ_PULL);
    worker.connect(sender.endpoint());
    for (const auto* task : {"1", "2", "3"})
        CHECK(worker.receive() == std::vector<std::string>{task});
    sender.wait_for("task 3");
    Peer sinker(ZMQ_PULL);
    sinker.bind(folder.endpoint("r"));
    CHECK(sinker.receive() == std::vector<std::string>{"expect", "3"});
    CHECK(sender.wait() == 0);
}

TEST_CASE("push-pull: Ctrl-C ends a sender whose announcement nobody takes", "[push-pull]") {
    const Folder folder;
    Process sender("push-pull/sender",
                   {"--bind", any_port, "--sink", folder.endpoint("r"), "--count", "3"});
    Peer worker(ZMQ_PULL);
    const std::string endpoint = sender.endpoint();
    worker.connect(endpoint);
    sender.wait_for("task 3");
    // It is not in zmq_ctx_term, where nothing is bound any more and Ctrl-C would end no wait.
    Peer(ZMQ_PULL).connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK(sender.stop(SIGINT) == 128 + SIGINT);
    CHECK(sender.last_line() == "3 tasks");
    CHECK(sender.errors() == "sender: interrupted, not finished\n");
}

TEST_CASE("push-pull: Ctrl-C right after the start without a peer", "[push-pull]") {
    const Folder folder;
    Process sender("push-pull/sender", {"--bind", any_port, "--sink", folder.endpoint("r")});
    sender.endpoint();
    CHECK(sender.stop(SIGINT) == 128 + SIGINT);
    CHECK(sender.last_line() == "0 tasks");
    CHECK(sender.errors() == "sender: interrupted, not finished\n");

    // A sender that waits for no worker has nobody to deal its first task to.
    Process none("push-pull/sender",
                 {"--bind", any_port, "--sink", folder.endpoint("r"), "--workers", "0"});
    none.wait_for("waiting for 0 workers");
    CHECK(none.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(none.last_line() == "0 tasks");

    Process sinker("push-pull/sinker", {"--bind", any_port});
    sinker.endpoint();
    CHECK(sinker.stop(SIGINT) == 128 + SIGINT);
    CHECK(sinker.last_line() == "0 of 0 results, 0 missing, 0 twice");

    Process worker("push-pull/worker",
                   {"--connect", folder.endpoint("t"), "--sink", folder.endpoint("r")});
    worker.wait_for("waiting for the sinker");
    CHECK(worker.stop(SIGINT) == 0);
    CHECK(worker.output() == "waiting for the sinker\n0 tasks\n");
}

TEST_CASE("push-pull: Ctrl-C in the middle of traffic", "[push-pull]") {
    for (const char* count : {"0", "2147483647"}) {
        Process sinker("push-pull/sinker", {"--bind", any_port});
        const std::string sink = sinker.endpoint();
        Process sender("push-pull/sender",
                       {"--bind", any_port, "--sink", sink, "--count", count, "--workers", "2"});
        const std::vector<std::string> arguments{"--connect", sender.endpoint(), "--sink", sink};
        Process a("push-pull/worker", arguments), b("push-pull/worker", arguments);
        sinker.wait_for("result ");
        CHECK(a.stop(SIGINT) == 0);
        const bool endless = *count == '0';
        CHECK(sender.stop(SIGINT) == (endless ? 0 : 128 + SIGINT));
        CHECK(sinker.stop(SIGTERM) == 128 + SIGTERM);
        CHECK(b.stop(SIGTERM) == 0);
        CHECK(sender.last_line() == std::to_string(numbers(sender, "task").size()) + " tasks");
        CHECK(sinker.last_line().rfind(std::to_string(numbers(sinker, "result").size()) + " of ",
                                       0) == 0);
    }
}

TEST_CASE("push-pull: Ctrl-C ends a worker at work and one whose results nobody takes",
          "[push-pull]") {
    const Folder folder;
    Peer sender(ZMQ_PUSH);
    sender.bind(any_port);
    {
        Peer sinker(ZMQ_PULL);
        sinker.bind(folder.endpoint("r"));
        Process worker("push-pull/worker", {"--connect", sender.endpoint(), "--sink",
                                            folder.endpoint("r"), "--work", "60000"});
        sender.send({"1"});
        worker.wait_for("task 1");
        CHECK(worker.stop(SIGINT) == 0);
        CHECK(worker.last_line() == "0 tasks");
    }
    Process worker("push-pull/worker",
                   {"--connect", sender.endpoint(), "--sink", folder.endpoint("r")});
    {
        Peer sinker(ZMQ_PULL);
        sinker.bind(folder.endpoint("r"));
        worker.wait_for("asking for tasks");
    }
    for (int n = 1; n <= 3000; ++n) sender.send({std::to_string(n)});
    worker.wait_for("task 1000");
    CHECK(worker.stop(SIGINT) == 0);
}

TEST_CASE("push-pull: an address that is taken ends sender and sinker", "[push-pull]") {
    Peer other(ZMQ_PULL);
    other.bind(any_port);
    const std::string taken = other.endpoint();
    finds_taken("push-pull/sender", {"--bind", taken, "--sink", taken}, taken);
    finds_taken("push-pull/sinker", {"--bind", taken}, taken);
}

TEST_CASE("push-pull: a worker that cannot connect to its sender says so", "[push-pull]") {
    Peer sinker(ZMQ_PULL);
    sinker.bind(any_port);
    Process worker("push-pull/worker", {"--connect", "nonsense", "--sink", sinker.endpoint()});
    CHECK(worker.wait() == 1);
    CHECK(worker.errors().rfind("worker: zmq_connect nonsense: Invalid argument\n", 0) == 0);
}

TEST_CASE("push-pull: wrong arguments", "[push-pull]") {
    const std::vector<std::vector<std::string>> wrong{
        {"sender", "--count", "x"},   {"sender", "--workers", "-1"}, {"sender", "stray"},
        {"sender", "--name", "a"},    {"worker", "--work", "1.5"},   {"worker", "--sink"},
        {"worker", "--bind", "x"},    {"sinker", "--count", "1"},    {"sinker", "--bind"},
        {"sinker", "--quiet", "now"},
    };
    for (const auto& words : wrong) {
        Process program("push-pull/" + words[0], {words.begin() + 1, words.end()});
        CHECK(program.wait() == 2);
        CHECK(program.output().empty());
        CHECK(program.errors().find(words[0] + ": ") == 0);
        CHECK(program.errors().find("try: " + words[0] + " --help\n") != std::string::npos);
    }
    for (const auto* program : {"sender", "worker"}) {
        Process odd(std::string("push-pull/") + program, {"--sink", "nonsense"});
        CHECK(odd.wait() == 1);
        CHECK(odd.errors().rfind(std::string(program) + ": zmq_connect nonsense: ", 0) == 0);
    }
}
