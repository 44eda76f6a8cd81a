#include <zmq.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <random>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

namespace {

using Words = std::vector<std::string>;

/// The lines of a program that begin with `word`, sorted.
Words lines_of(Process& program, const std::string& word) {
    Words all;
    for (const auto& line : program.lines())
        if (line.rfind(word + " ", 0) == 0) all.push_back(line);
    std::sort(all.begin(), all.end());
    return all;
}

/// The last `n` lines.
Words last_lines(Process& program, size_t n) {
    const auto all = program.lines();
    return {all.end() - static_cast<std::ptrdiff_t>(std::min(n, all.size())), all.end()};
}

/// Senders, workers and sinkers that find each other by ipc, whoever starts first.
struct Cast {
    Cast(int tasks, Words senders, Words sinks, int number_of_workers, Words arguments = {})
        : count(tasks),
          names(std::move(senders)),
          sinkers(std::move(sinks)),
          workers(number_of_workers),
          more(std::move(arguments)) {}
    int count;
    Words names, sinkers;  // of the senders; of the sinkers
    int workers;
    Words more;  // further arguments of all
    Folder folder;
    std::deque<Process> started_senders, started_workers, started_sinkers;

    void start_sender(size_t i) {
        Words words{"--bind",    tasks(i),
                    "--name",    names[i],
                    "--count",   std::to_string(count),
                    "--workers", std::to_string(workers)};
        for (const auto& sinker : sinkers) words.insert(words.end(), {"--sink", result(sinker)});
        started_senders.emplace_back("push-pull2/sender", with_more(words));
    }
    void start_worker(Words words = {}) {
        for (size_t i = 0; i < names.size(); ++i)
            words.insert(words.end(), {"--connect", tasks(i)});
        for (const auto& sinker : sinkers)
            words.insert(words.end(), {"--sink", result(sinker), "--control", control(sinker)});
        started_workers.emplace_back("push-pull2/worker", with_more(words));
    }
    void start_sinker(const std::string& name) {
        started_sinkers.emplace_back("push-pull2/sinker",
                                     with_more({"--bind", result(name), "--control", control(name),
                                                "--senders", std::to_string(names.size())}));
    }
    std::string tasks(size_t sender) const { return folder.endpoint(std::to_string(sender)); }
    std::string result(const std::string& sinker) const { return folder.endpoint("r" + sinker); }
    std::string control(const std::string& sinker) const { return folder.endpoint("c" + sinker); }
    Words with_more(Words words) const {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
};

/// A sinker on any ports, and a socket that sends it results and announcements.
struct Sinker {
    explicit Sinker(int senders)
        : process("push-pull2/sinker", {"--bind", any_port, "--control", any_port, "--senders",
                                        std::to_string(senders)}),
          results(process.endpoint()),
          control(process.endpoint()) {
        peer.connect(results);
    }
    Process process;
    std::string results, control;
    Peer peer{ZMQ_PUSH};
};

/// A worker between sockets of the test: a sender and two sinkers.
struct Worker {
    explicit Worker(const Words& more = {}) {
        sender.bind(any_port);
        Words words{"--connect", sender.endpoint()};
        for (auto* socket : {&result0, &result1}) {
            socket->bind(any_port);
            words.push_back("--sink"), words.push_back(socket->endpoint());
        }
        for (auto* socket : {&control0, &control1}) {
            socket->bind(any_port);
            words.push_back("--control"), words.push_back(socket->endpoint());
        }
        words.insert(words.end(), more.begin(), more.end());
        process.emplace_back("push-pull2/worker", words);
        for (auto* socket : {&control0, &control1})
            CHECK(socket->receive() == Words{"\1"});  // subscribed to everything
    }
    void get_ready() {
        control0.send({"READY"});
        control1.send({"READY"});
        process[0].wait_for("asking for tasks");
    }
    Peer sender{ZMQ_PUSH}, result0{ZMQ_PULL}, result1{ZMQ_PULL}, control0{ZMQ_XPUB},
        control1{ZMQ_XPUB};
    std::deque<Process> process;
};

}  // namespace

TEST_CASE("push-pull2: each result of each sender comes once to the right sinker", "[push-pull2]") {
    Cast cast{10, {"b", "a"}, {"0", "1", "2"}, 2};
    for (const auto& sinker : cast.sinkers) cast.start_sinker(sinker);
    cast.start_sender(0);
    cast.start_sender(1);
    cast.start_worker();
    cast.start_worker();
    for (auto& sender : cast.started_senders) CHECK(sender.wait() == 0);
    CHECK(last_lines(cast.started_senders[1], 12) ==
          Words{"waiting for 2 workers", "task a 1", "task a 2", "task a 3", "task a 4", "task a 5",
                "task a 6", "task a 7", "task a 8", "task a 9", "task a 10", "10 tasks"});
    for (auto& sinker : cast.started_sinkers) CHECK(sinker.wait() == 0);
    CHECK(lines_of(cast.started_sinkers[0], "result") == Words{"result a 3", "result a 6",
                                                               "result a 9", "result b 3",
                                                               "result b 6", "result b 9"});
    CHECK(lines_of(cast.started_sinkers[1], "result") ==
          Words{"result a 1", "result a 10", "result a 4", "result a 7", "result b 1",
                "result b 10", "result b 4", "result b 7"});
    CHECK(lines_of(cast.started_sinkers[2], "result") == Words{"result a 2", "result a 5",
                                                               "result a 8", "result b 2",
                                                               "result b 5", "result b 8"});
    CHECK(last_lines(cast.started_sinkers[1], 2) ==
          Words{"a: 4 of 4 results, 0 missing, 0 twice", "b: 4 of 4 results, 0 missing, 0 twice"});
    for (auto& worker : cast.started_workers) {
        CHECK(worker.wait() == 0);
        CHECK(worker.last_line() == "10 tasks");
        CHECK(lines_of(worker, "task").size() == 10);
        CHECK(worker.errors().empty());
    }
}

TEST_CASE("push-pull2: no worker misses the stop in any order of starting", "[push-pull2]") {
    std::deque<Cast> casts;  // all at once, since a connecter tries again only from time to time
    for (unsigned seed = 1; seed <= 10; ++seed) {
        std::mt19937 random(seed);
        const int senders = 1 + static_cast<int>(random() % 2),
                  workers = 1 + static_cast<int>(random() % 3),
                  sinkers = 1 + static_cast<int>(random() % 3);
        // With one task, some sinkers have nothing to expect.
        Cast& cast = casts.emplace_back(seed % 3 == 0 ? 1 : 30, Words{"a", "b"},
                                        Words{"0", "1", "2"}, workers);
        cast.names.resize(static_cast<size_t>(senders));
        cast.sinkers.resize(static_cast<size_t>(sinkers));
        std::vector<int> order;
        for (int i = 0; i < senders; ++i) order.push_back(i);
        for (int i = 0; i < sinkers; ++i) order.push_back(10 + i);
        for (int i = 0; i < workers; ++i) order.push_back(20);
        std::shuffle(order.begin(), order.end(), random);
        for (const int who : order) {
            if (who == 20)
                cast.start_worker();
            else if (who >= 10)
                cast.start_sinker(cast.sinkers[static_cast<size_t>(who - 10)]);
            else
                cast.start_sender(static_cast<size_t>(who));
        }
    }
    for (auto& cast : casts) {
        for (auto& sender : cast.started_senders) CHECK(sender.wait() == 0);
        size_t results = 0, tasks = 0;
        for (auto& sinker : cast.started_sinkers) {
            CHECK(sinker.wait() == 0);
            CHECK(sinker.errors().empty());
            results += lines_of(sinker, "result").size();
        }
        CHECK(results == static_cast<size_t>(cast.count) * cast.names.size());
        for (auto& worker : cast.started_workers) {
            CHECK(worker.wait() == 0);
            CHECK(worker.errors().empty());
            tasks += lines_of(worker, "task").size();
        }
        CHECK(tasks == results);
    }
}

TEST_CASE("push-pull2: each sinker names the results that were lost with a killed worker",
          "[push-pull2]") {
    Cast cast{30, {"a", "b"}, {"0", "1"}, 3};
    for (const auto& sinker : cast.sinkers) cast.start_sinker(sinker);
    cast.start_sender(0);
    cast.start_sender(1);
    cast.start_worker({"--work", "60000"});
    cast.start_worker();
    cast.start_worker();
    for (auto& sender : cast.started_senders) CHECK(sender.wait() == 0);
    cast.started_workers[0].wait_for("task ");
    CHECK(cast.started_workers[0].stop(SIGKILL) == -SIGKILL);
    for (auto& sinker : cast.started_sinkers) CHECK(sinker.wait() == 1);
    Words done;
    for (const size_t i : {1U, 2U}) {
        CHECK(cast.started_workers[i].wait() == 0);
        for (const auto& line : lines_of(cast.started_workers[i], "task"))
            done.push_back(line.substr(5));
    }
    CHECK(done.size() == 40);
    for (const int k : {0, 1}) {
        std::string lost;
        for (const std::string name : {"a", "b"}) {
            std::string numbers;
            for (int n = 2 - k; n <= 30; n += 2)
                if (std::count(done.begin(), done.end(), name + " " + std::to_string(n)) == 0)
                    numbers.append(" ").append(std::to_string(n));
            lost += "sinker: lost, results of " + name + ":" + numbers + "\n";
        }
        Process& sinker = cast.started_sinkers[static_cast<size_t>(k)];
        CHECK(sinker.errors() == lost);
        CHECK(last_lines(sinker, 2) == Words{"a: 10 of 15 results, 5 missing, 0 twice",
                                             "b: 10 of 15 results, 5 missing, 0 twice"});
    }
}

TEST_CASE("push-pull2: a worker that comes when the senders have gone is not waited for",
          "[push-pull2]") {
    Cast cast{3, {"a"}, {"0"}, 1};
    cast.start_sinker("0");
    cast.start_sender(0);
    cast.start_worker({"--work", "60000"});
    CHECK(cast.started_senders[0].wait() == 0);
    cast.start_worker();
    cast.started_workers[1].wait_for("asking for tasks");
    cast.started_workers[0].wait_for("task a 1");
    CHECK(cast.started_workers[0].stop(SIGKILL) == -SIGKILL);
    CHECK(cast.started_sinkers[0].wait() == 1);
    CHECK(cast.started_sinkers[0].errors() == "sinker: lost, results of a: 1-3\n");
    CHECK(cast.started_workers[1].wait() == 0);
}

TEST_CASE("push-pull2: a sinker names the results of a sender that was killed", "[push-pull2]") {
    Cast cast{2147483647, {"a"}, {"0"}, 1};
    cast.start_worker();
    cast.start_sinker("0");
    cast.start_sender(0);
    Process& sinker = cast.started_sinkers[0];
    sinker.wait_for("result a 100");
    CHECK(cast.started_senders[0].stop(SIGKILL) == -SIGKILL);
    CHECK(sinker.wait() == 1);
    const auto results = lines_of(sinker, "result").size();
    CHECK(sinker.errors() ==
          "sinker: lost, results of a: " + std::to_string(results + 1) + "-2147483647\n");
    CHECK(cast.started_workers[0].wait() == 0);
}

TEST_CASE("push-pull2: many tasks over ipc all arrive", "[push-pull2]") {
    Cast cast{10000, {"a", "b"}, {"0", "1"}, 2, {"--quiet"}};
    cast.start_worker();
    for (const auto& sinker : cast.sinkers) cast.start_sinker(sinker);
    cast.start_sender(1);
    cast.start_worker();
    cast.start_sender(0);
    for (auto& sinker : cast.started_sinkers) {
        CHECK(sinker.wait() == 0);
        const auto lines = sinker.lines();
        REQUIRE(lines.size() == 5);
        CHECK(lines[2] == "a: 5000 of 5000 results, 0 missing, 0 twice");
        CHECK(lines[3] == "b: 5000 of 5000 results, 0 missing, 0 twice");
        CHECK(lines[4].rfind("10000 results in ", 0) == 0);
    }
    for (auto& worker : cast.started_workers) {
        CHECK(worker.wait() == 0);
        CHECK(worker.lines().size() == 1);
    }
    for (auto& sender : cast.started_senders) {
        CHECK(sender.wait() == 0);
        CHECK(sender.lines().size() == 2);
    }
}

TEST_CASE("push-pull2: a sinker loses nothing of a worker that ends early over ipc",
          "[push-pull2]") {
    const Folder folder;
    Process sinker("push-pull2/sinker", {"--bind", folder.endpoint("r"), "--control",
                                         folder.endpoint("c"), "--senders", "1"});
    sinker.endpoint();
    {
        Peer worker(ZMQ_PUSH);
        worker.set(ZMQ_LINGER, -1).connect(folder.endpoint("r"));
        worker.send({"expect", "a", "20000", "0", "1"});
        for (int n = 1; n <= 20000; ++n) worker.send({std::to_string(n) + " a"});
    }
    CHECK(sinker.wait() == 0);
    CHECK(sinker.last_line() == "a: 20000 of 20000 results, 0 missing, 0 twice");
}

TEST_CASE("push-pull2: a worker asks for tasks only when every sinker is ready", "[push-pull2]") {
    Worker worker;
    auto& process = worker.process[0];
    worker.control0.send({"READY"});
    worker.control0.send({"something else"});
    process.wait_for_error("no signal: something else");
    zmq_pollitem_t sender{worker.sender.get(), 0, ZMQ_POLLOUT, 0};
    CHECK(zmq_poll(&sender, 1, 0) == 0);
    CHECK(process.output() == "waiting for the sinkers\n");
    worker.control1.send({"READY"});
    process.wait_for("asking for tasks");
    worker.sender.send({"2 a"});
    CHECK(worker.result0.receive() == Words{"2 a"});
    worker.sender.send({"3 a"});
    CHECK(worker.result1.receive() == Words{"3 a"});
    worker.control1.send({"STOP"});
    worker.control1.send({"READY"});  // to another worker: this one has heard its STOP
    worker.control0.send({"READY"});
    worker.sender.send({"1 b"});
    CHECK(worker.result1.receive() == Words{"1 b"});
    worker.control0.send({"STOP"});
    CHECK(process.wait() == 0);
    CHECK(process.last_line() == "3 tasks");
}

TEST_CASE("push-pull2: a worker ends on the stop although a result is not taken", "[push-pull2]") {
    const Folder folder;
    Peer sender(ZMQ_PUSH), control(ZMQ_XPUB);
    sender.bind(any_port);
    control.bind(any_port);
    Process worker("push-pull2/worker", {"--connect", sender.endpoint(), "--sink",
                                         folder.endpoint("gone"), "--control", control.endpoint()});
    {
        Peer sinker(ZMQ_PULL);
        sinker.bind(folder.endpoint("gone"));
        CHECK(control.receive() == Words{"\1"});  // the worker is connected to it
    }
    control.send({"READY"});
    for (int n = 1; n <= 3000; ++n) sender.send({std::to_string(n) + " a"});
    worker.wait_for("task a 3000");
    control.send({"STOP"});
    CHECK(worker.wait() == 0);
    CHECK(worker.last_line() == "3000 tasks");
}

TEST_CASE("push-pull2: a worker subscribes only when its sinker has taken its connection",
          "[push-pull2]") {
    const Folder folder;
    Peer sender(ZMQ_PUSH), control(ZMQ_XPUB);
    for (auto* socket : {&sender, &control}) socket->bind(any_port);
    Process worker("push-pull2/worker", {"--connect", sender.endpoint(), "--sink",
                                         folder.endpoint("r"), "--control", control.endpoint()});
    worker.wait_for("waiting for the sinkers");
    zmq_pollitem_t item{control.get(), 0, ZMQ_POLLIN, 0};
    CHECK(zmq_poll(&item, 1, 300) == 0);
    Peer sinker(ZMQ_PULL);
    sinker.bind(folder.endpoint("r"));
    CHECK(control.receive() == Words{"\1"});
    control.send({"STOP"});
    CHECK(worker.wait() == 0);
    CHECK(worker.output() == "waiting for the sinkers\n0 tasks\n");
}

TEST_CASE("push-pull2: a worker whose senders have gone ends its connections after the last task",
          "[push-pull2]") {
    Peer result(ZMQ_PULL), control(ZMQ_XPUB);
    for (auto* socket : {&result, &control}) socket->bind(any_port);
    const Folder folder;
    std::deque<Peer> senders;
    for (const auto* name : {"a", "b"})
        senders.emplace_back(ZMQ_PUSH).set(ZMQ_LINGER, -1).bind(folder.endpoint(name));
    Process worker("push-pull2/worker",
                   {"--connect", folder.endpoint("a"), "--connect", folder.endpoint("b"), "--sink",
                    result.endpoint(), "--control", control.endpoint(), "--work", "1"});
    CHECK(control.receive() == Words{"\1"});
    control.send({"READY"});
    senders[0].send({"1 a"});
    CHECK(result.receive() == Words{"1 a"});
    senders.pop_front();  // that one has gone
    control.send({"LAST"});
    for (int n = 1; n <= 100; ++n) senders[0].send({std::to_string(n) + " b"});
    REQUIRE(zmq_socket_monitor(result.get(), "inproc://result", ZMQ_EVENT_DISCONNECTED) == 0);
    senders.clear();
    for (int n = 1; n <= 100; ++n) CHECK(result.receive() == Words{std::to_string(n) + " b"});
    CHECK(result.wait_for_event("inproc://result") == ZMQ_EVENT_DISCONNECTED);
    control.send({"STOP"});
    CHECK(worker.wait() == 0);
    CHECK(worker.last_line() == "101 tasks");
    CHECK(worker.errors().empty());
}

TEST_CASE("push-pull2: a worker that is told LAST too soon still serves its sender",
          "[push-pull2]") {
    Worker worker;
    worker.control0.send({"READY"});
    worker.control0.send({"LAST"});
    worker.control1.send({"READY"});
    worker.sender.send({"1 a"});
    CHECK(worker.result1.receive() == Words{"1 a"});
}

TEST_CASE("push-pull2: a worker serves a second sender before it is through with the first",
          "[push-pull2]") {
    Peer a(ZMQ_PUSH), b(ZMQ_PUSH), result(ZMQ_PULL), control(ZMQ_XPUB);
    for (auto* socket : {&a, &b, &result, &control}) socket->bind(any_port);
    Process worker("push-pull2/worker",
                   {"--connect", a.endpoint(), "--connect", b.endpoint(), "--sink",
                    result.endpoint(), "--control", control.endpoint(), "--work", "1"});
    CHECK(control.receive() == Words{"\1"});
    control.send({"READY"});
    for (int n = 1; n <= 200; ++n) {
        b.send({std::to_string(n) + " b"});
        a.send({std::to_string(n) + " a"});
    }
    std::string order;
    for (int n = 1; n <= 400; ++n) order += result.receive().at(0).back();
    CHECK(order.find('b') < order.rfind('a'));
    CHECK(order.find('a') < order.rfind('b'));
    control.send({"STOP"});
    CHECK(worker.wait() == 0);
    CHECK(worker.last_line() == "400 tasks");
}

TEST_CASE("push-pull2: a worker names what makes no sense and passes the rest on", "[push-pull2]") {
    Worker worker;
    auto& process = worker.process[0];
    worker.control0.send({"READY", "STOP"});
    worker.control0.send({"STOPPED"});
    worker.control0.send({""});
    worker.get_ready();
    for (const auto* odd : {"", " ", "7", "a", " a", "0 a", "-1 a", "1a", "2147483648 a"})
        worker.sender.send({odd});
    worker.sender.send({"1 a", "2 a"});
    worker.sender.send({"4 "});
    worker.sender.send({std::string("2 a\0b \xff", 7)});
    CHECK(worker.result0.receive() == Words{"4 "});
    CHECK(worker.result0.receive() == Words{std::string("2 a\0b \xff", 7)});
    worker.control0.send({"STOP"});
    worker.control1.send({"STOP"});
    CHECK(process.wait() == 0);
    CHECK(process.lines() == Words{"waiting for the sinkers", "asking for tasks", "task  4",
                                   "task a\\x00b \\xff 2", "2 tasks"});
    const std::string out = "worker: left out: no ";
    CHECK(process.errors() == out + "signal: READY\n" + out + "signal: STOPPED\n" + out +
                                  "signal: \n" + out + "task: \n" + out + "task:  \n" + out +
                                  "task: 7\n" + out + "task: a\n" + out + "task:  a\n" + out +
                                  "task: 0 a\n" + out + "task: -1 a\n" + out + "task: 1a\n" + out +
                                  "task: 2147483648 a\n" + out + "task: 1 a\n");
}

TEST_CASE("push-pull2: a sinker greets each subscriber and says stop when it is complete",
          "[push-pull2]") {
    Sinker sinker(2);
    Peer worker(ZMQ_PUSH), another(ZMQ_PUSH);  // each of them comes before its subscription
    worker.connect_until(sinker.results, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    another.connect_until(sinker.results, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    Peer first(ZMQ_SUB), second(ZMQ_SUB);
    first.subscribe("").connect(sinker.control);
    CHECK(first.receive() == Words{"READY"});
    second.subscribe("").connect(sinker.control);
    CHECK(second.receive() == Words{"READY"});
    CHECK(first.receive() == Words{"READY"});
    Peer(ZMQ_SUB).subscribe("").connect(sinker.control).receive();  // one that leaves
    CHECK(first.receive() == Words{"READY"});
    CHECK(second.receive() == Words{"READY"});
    Peer odd(ZMQ_XSUB);
    odd.connect_until(sinker.control, ZMQ_EVENT_HANDSHAKE_SUCCEEDED).send({"hello", "\1"});
    sinker.process.wait_for_error("left out: no subscription: hello");
    sinker.peer.send({"expect", "none here", "1", "0", "2"});
    sinker.peer.send({"expect", "one", "1", "1", "2"});
    sinker.peer.send({"1 one"});
    CHECK(first.receive() == Words{"STOP"});
    CHECK(second.receive() == Words{"STOP"});
    CHECK(sinker.process.wait() == 0);
    CHECK(last_lines(sinker.process, 2) == Words{"none here: 0 of 0 results, 0 missing, 0 twice",
                                                 "one: 1 of 1 results, 0 missing, 0 twice"});
}

TEST_CASE("push-pull2: results may come before the announcement", "[push-pull2]") {
    Sinker sinker(2);
    for (const auto* early : {"1 a", "1 c", "2 a", "11 a", "3 a", "1 a", "2 b"})
        sinker.peer.send({early});
    sinker.peer.send({"expect", "a", "5", "1", "2"});
    sinker.peer.send({"expect", "b", "3", "0", "2"});
    for (const auto* late : {"3 b", "2 c", "1 d", "5 a"}) sinker.peer.send({late});
    CHECK(sinker.process.wait() == 0);
    auto lines = sinker.process.lines();
    lines.erase(lines.begin(), lines.begin() + 2);
    CHECK(lines == Words{"expecting results of a", "result a 1", "result a 3", "result a 1 again",
                         "expecting results of b", "result b 2", "result a 5",
                         "a: 3 of 3 results, 0 missing, 1 twice",
                         "b: 1 of 1 results, 0 missing, 0 twice"});
    const std::string out = "sinker: left out: result";
    CHECK(sinker.process.errors() ==
          out + " a 2: nobody asked for it\n" + out + " a 11: nobody asked for it\n" + out +
              " b 3: nobody asked for it\n" + out + " c 2: nobody asked for it\n" + out +
              " d 1: nobody asked for it\n" + out + "s of c, which has announced none: 1\n");
}

TEST_CASE("push-pull2: a sinker says when no sender is connected any more", "[push-pull2]") {
    Sinker sinker(1);
    Peer& worker = sinker.peer;
    Peer signals(ZMQ_SUB), late(ZMQ_SUB);
    worker.send({"1 a"});
    signals.subscribe("").connect(sinker.control);
    CHECK(signals.receive() == Words{"READY"});
    {
        Peer sender(ZMQ_PUSH);
        sender.set(ZMQ_LINGER, -1).connect(sinker.results).send({"expect", "a", "2", "0", "1"});
        sinker.process.wait_for("result a 1");
        zmq_pollitem_t item{signals.get(), 0, ZMQ_POLLIN, 0};
        CHECK(zmq_poll(&item, 1, 0) == 0);
    }
    CHECK(signals.receive() == Words{"LAST"});
    late.subscribe("").connect(sinker.control);
    CHECK(late.receive() == Words{"READY"});
    CHECK(late.receive() == Words{"LAST"});
    worker.send({"2 a"});
    CHECK(sinker.process.wait() == 0);
    for (const auto* word : {"READY", "LAST", "STOP"}) CHECK(signals.receive() == Words{word});
}

TEST_CASE("push-pull2: a sinker names what makes no sense and goes on", "[push-pull2]") {
    Sinker sinker(1);
    sinker.peer.send({"expect", "a", "5", "0"});
    sinker.peer.send({"expect", "a", "x", "0", "1"});
    sinker.peer.send({"expect", "a", "5", "1", "1"});
    sinker.peer.send({"expect", "a", "5", "-1", "1"});
    sinker.peer.send({"expect", "a", "5", "0", "0"});
    sinker.peer.send({"else", "a", "5", "0", "1"});
    sinker.peer.send({"expect", "a", "1", "0", "1"});
    sinker.peer.send({"expect", "a", "1", "0", "1"});
    sinker.peer.send({"expect", "b", "1", "0", "1"});
    for (const auto* odd : {"", "1", "a", "0 a", "x a", "2 a"}) sinker.peer.send({odd});
    sinker.peer.send({"1 a"});
    CHECK(sinker.process.wait() == 0);
    CHECK(sinker.process.last_line() == "a: 1 of 1 results, 0 missing, 0 twice");
    const std::string out = "sinker: left out: ";
    CHECK(sinker.process.errors() ==
          out + "4 frames: expect\n" + out + "5 frames: expect\n" + out + "5 frames: expect\n" +
              out + "5 frames: expect\n" + out + "5 frames: expect\n" + out + "5 frames: else\n" +
              out + "a second sender called a\n" + out + "a sender too many, called b\n" + out +
              "no result: \n" + out + "no result: 1\n" + out + "no result: a\n" + out +
              "no result: 0 a\n" + out + "no result: x a\n" + out +
              "result a 2: nobody asked for it\n");
}

TEST_CASE("push-pull2: an interrupted sinker says what is missing of each sender", "[push-pull2]") {
    Sinker sinker(3);
    sinker.peer.send({"expect", "b", "2147483647", "1", "2147483647"});
    sinker.peer.send({"expect", "a", "2147483647", "1", "2"});
    sinker.peer.send({"2147483647 a"});
    sinker.peer.send({"1 a"});
    sinker.process.wait_for("result a 1");
    CHECK(sinker.process.stop(SIGINT) == 128 + SIGINT);
    CHECK(last_lines(sinker.process, 2) ==
          Words{"a: 2 of 1073741824 results, 1073741822 missing, 0 twice",
                "b: 0 of 1 results, 1 missing, 0 twice"});
    CHECK(sinker.process.errors() == "sinker: interrupted, not finished\n");
}

TEST_CASE("push-pull2: names may have spaces or be empty", "[push-pull2]") {
    Cast cast{3, {"two words", ""}, {"0"}, 1};
    cast.start_worker();
    cast.start_sinker("0");
    cast.start_sender(0);
    cast.start_sender(1);
    CHECK(cast.started_sinkers[0].wait() == 0);
    CHECK(last_lines(cast.started_sinkers[0], 2) ==
          Words{": 3 of 3 results, 0 missing, 0 twice",
                "two words: 3 of 3 results, 0 missing, 0 twice"});
    CHECK(cast.started_workers[0].wait() == 0);
    for (auto& sender : cast.started_senders) CHECK(sender.wait() == 0);
}

TEST_CASE("push-pull2: what is no worker is dealt no task", "[push-pull2]") {
    const Folder folder;
    Process sender("push-pull2/sender", {"--bind", any_port, "--sink", folder.endpoint("r"),
                                         "--count", "10", "--workers", "2"});
    const std::string endpoint = sender.endpoint();
    Peer sinker(ZMQ_PULL);
    sinker.bind(folder.endpoint("r"));
    RawPeer browser(endpoint);
    browser.send("GET / HTTP/1.1\r\n\r\n");
    browser.wait_for_end();
    Peer(ZMQ_SUB).connect_until(endpoint, ZMQ_EVENT_DISCONNECTED);
    Peer(ZMQ_PULL).connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);  // leaves again
    Peer first(ZMQ_PULL), second(ZMQ_PULL);
    first.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    second.connect(endpoint);
    Words tasks;
    for (int i = 0; i < 5; ++i) {
        tasks.push_back(first.receive().at(0));
        tasks.push_back(second.receive().at(0));
    }
    std::sort(tasks.begin(), tasks.end());
    CHECK(tasks == Words{"1 a", "10 a", "2 a", "3 a", "4 a", "5 a", "6 a", "7 a", "8 a", "9 a"});
    CHECK(sinker.receive() == Words{"expect", "a", "10", "0", "1"});
    CHECK(sender.wait() == 0);
}

TEST_CASE("push-pull2: Ctrl-C right after the start without a peer", "[push-pull2]") {
    const Folder folder;
    Process sender("push-pull2/sender", {"--bind", any_port, "--sink", folder.endpoint("r")});
    sender.endpoint();
    CHECK(sender.stop(SIGINT) == 128 + SIGINT);
    CHECK(sender.last_line() == "0 tasks");
    Sinker sinker(2);
    CHECK(sinker.process.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(sinker.process.last_line() == "0 results");
    Process worker("push-pull2/worker", {"--connect", folder.endpoint("t"), "--sink",
                                         folder.endpoint("r"), "--control", folder.endpoint("c")});
    worker.wait_for("waiting for the sinkers");
    CHECK(worker.stop(SIGINT) == 128 + SIGINT);
    CHECK(worker.last_line() == "0 tasks");
    CHECK(worker.errors() == "worker: interrupted, not finished\n");
}

TEST_CASE("push-pull2: Ctrl-C in the middle of traffic", "[push-pull2]") {
    for (const int count : {0, 2147483647}) {
        Cast cast{count, {"a", "b"}, {"0", "1"}, 1};
        for (const auto& sinker : cast.sinkers) cast.start_sinker(sinker);
        cast.start_worker();
        cast.start_sender(0);
        cast.start_sender(1);
        cast.started_sinkers[1].wait_for("result a ");
        CHECK(cast.started_senders[0].stop(SIGINT) == (count == 0 ? 0 : 128 + SIGINT));
        CHECK(cast.started_sinkers[0].stop(SIGINT) == 128 + SIGINT);
        CHECK(cast.started_workers[0].stop(SIGTERM) == 128 + SIGTERM);
        CHECK(cast.started_sinkers[1].stop(SIGTERM) == 128 + SIGTERM);
        CHECK(cast.started_senders[1].stop(SIGTERM) == (count == 0 ? 0 : 128 + SIGTERM));
        CHECK(lines_of(cast.started_sinkers[1], "a:").size() == 1);
    }
}

TEST_CASE("push-pull2: Ctrl-C ends a worker at work and a sender that nobody listens to",
          "[push-pull2]") {
    Worker worker({"--work", "60000"});
    worker.get_ready();
    worker.sender.send({"1 a"});
    worker.process[0].wait_for("task a 1");
    CHECK(worker.process[0].stop(SIGINT) == 128 + SIGINT);
    CHECK(worker.process[0].last_line() == "0 tasks");

    const Folder folder;
    Process sender("push-pull2/sender", {"--bind", any_port, "--sink", folder.endpoint("r"),
                                         "--sink", folder.endpoint("s"), "--count", "1"});
    const std::string endpoint = sender.endpoint();
    Peer peer(ZMQ_PULL), first(ZMQ_PULL);
    first.bind(folder.endpoint("r"));
    peer.connect(endpoint);
    CHECK(first.receive().at(0) == "expect");
    sender.wait_for("task a 1");
    // Not in zmq_ctx_term, where nothing is bound any more: the second sinker is waited for.
    Peer(ZMQ_PULL).connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK(sender.stop(SIGINT) == 128 + SIGINT);
    CHECK(sender.errors() == "sender: interrupted, not finished\n");
}

TEST_CASE("push-pull2: an address that is taken ends sender and sinker", "[push-pull2]") {
    Peer other(ZMQ_PULL);
    other.bind(any_port);
    const std::string taken = other.endpoint();
    finds_taken("push-pull2/sender", {"--bind", taken, "--sink", taken}, taken);
    finds_taken("push-pull2/sinker", {"--bind", any_port, "--control", taken}, taken, 1);
}

TEST_CASE("push-pull2: a worker that cannot connect to a sender says so", "[push-pull2]") {
    Peer result(ZMQ_PULL), control(ZMQ_XPUB);
    for (auto* socket : {&result, &control}) socket->bind(any_port);
    Process worker("push-pull2/worker", {"--connect", "nonsense", "--sink", result.endpoint(),
                                         "--control", control.endpoint()});
    CHECK(control.receive() == Words{"\1"});
    control.send({"READY"});
    CHECK(worker.wait() == 1);
    CHECK(worker.errors().rfind("worker: zmq_connect nonsense: Invalid argument\n", 0) == 0);
}

TEST_CASE("push-pull2: wrong arguments", "[push-pull2]") {
    const std::vector<Words> wrong{
        {"sender", "--count", "-1"},
        {"sender", "--name"},
        {"sender", "stray"},
        {"worker", "--work", "x"},
        {"worker", "--sink", "ipc:///x", "--sink", "ipc:///y"},
        {"worker", "--bind", "x"},
        {"sinker", "--senders", "0"},
        {"sinker", "--sink", "x"},
        {"worker", "--control", "ipc:///x", "--control", "ipc:///y"},
    };
    for (const auto& words : wrong) {
        Process program("push-pull2/" + words[0], {words.begin() + 1, words.end()});
        CHECK(program.wait() == 2);
        CHECK(program.output().empty());
        CHECK(program.errors().find(words[0] + ": ") == 0);
        CHECK(program.errors().find("try: " + words[0] + " --help\n") != std::string::npos);
    }
}
