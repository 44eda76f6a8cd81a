// Long runs: signals at random moments, exactness under load, peers that are killed. Not part of
// the quick suite; ./run soak runs them. SOAK=N multiplies the numbers of trials by N percent.
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <sstream>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "programs.hpp"

namespace {

using Words = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

std::mt19937 random_numbers(20261123);

int random_up_to(int most) {
    return std::uniform_int_distribution(0, most)(random_numbers);
}

int trials(int all) {
    const char* const percent = std::getenv("SOAK");
    return percent == nullptr ? all : std::max(1, all * std::atoi(percent) / 100);
}

void pause_ms(int ms) {  // the moment of a signal, not a wait for anything
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

/// "FOLDER/PROGRAM ARGUMENT ...", in which @ is the folder of its cast, and % that of the keys.
struct Member {
    std::string words;
    bool finite;
};

/// Casts that never end by themselves.
const std::vector<std::vector<Member>> casts = {
    {{"req-rep/server --bind @1", false}, {"req-rep/client --connect @1 --count 0", false}},
    {{"req-rep/server --bind @1 --count 1000000000", true},
     {"req-rep/client --connect @1 --count 1000000000 --timeout 20", true}},
    {{"req-rep/secure-server --bind @1 --key %server --allow %client.public", false},
     {"req-rep/secure-client --connect @1 --key %client --server %server.public --count 0", false}},
    {{"pub-sub/publisher --bind @1 --interval 0", false},
     {"pub-sub/publisher --bind @2", false},
     {"pub-sub/subscriber --connect @1 --count 0", false},
     {"pub-sub/subscriber --connect @2 --count 1000000000", true}},
    {{"push-pull/sinker --bind @1", true},
     {"push-pull/sender --sink @1 --bind @2 --count 0", false},
     {"push-pull/worker --sink @1 --connect @2", false},
     {"push-pull/worker --sink @1 --connect @2 --work 5", false}},
    {{"push-pull2/sinker --bind @1 --control @2", true},
     {"push-pull2/sender --sink @1 --bind @3 --count 0", false},
     {"push-pull2/sender --sink @1 --bind @4 --count 1000000000 --name b", true},
     {"push-pull2/worker --sink @1 --control @2 --connect @3 --connect @4", true}},
    {{"ex-req-rep/proxy --frontend @1 --backend @2", false},
     {"ex-req-rep/server --connect @2 --name A", false},
     {"ex-req-rep/client --connect @1 --count 1000000000", true}},
    {{"ex-req-rep2/proxy --frontend @1 --backend @2 --capture @3", false},
     {"ex-req-rep/server --connect @2 --name A", false},
     {"ex-req-rep/client --connect @1 --count 0", false}},
    {{"interrupt/server --bind @1", false}, {"req-rep/client --connect @1 --count 0", false}},
    {{"mt-req-rep/server --bind @1", false},
     {"mt-req-rep/client --connect @1 --count 1000000000", true}},
    {{"mt-req-rep/server --bind @1 --work 10", false},
     {"mt-req-rep/client --connect @1 --clients 16 --count 0", false}},
    {{"mt-ready/steps --steps 500", true}},
    {{"sync-pub-sub/publisher --bind @1 --sync @2 --count 1000000000", true},
     {"sync-pub-sub/subscriber --connect @1 --sync @2", true},
     {"sync-pub-sub/subscriber --connect @1 --sync @2", true}},
    {{"pub-sub-envelope/publisher --bind @1 --interval 0 --sender me", false},
     {"pub-sub-envelope/subscriber --connect @1 --count 0", false}},
};

/// Where the keys of the secure pair are, which are made once.
const Folder& keys() {
    static const Folder folder;
    return folder;
}

const std::string valgrind = "/usr/bin/valgrind";

/// With `watched` under valgrind, which makes the exit status 99 when it finds anything. (The
/// thread that waits for signals lives to the end, and its stack is "possibly lost" to valgrind.)
std::unique_ptr<Process> start(const std::string& program, const Words& arguments, bool watched) {
    if (!watched) return std::make_unique<Process>(program, arguments);
    Words words{"-q",
                "--leak-check=full",
                "--show-leak-kinds=definite,indirect",
                "--errors-for-leak-kinds=definite,indirect",
                "--error-exitcode=99",
                BINARY_DIR "/" + program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return std::make_unique<Process>(valgrind, words);
}

std::unique_ptr<Process> start(const std::string& words, const Folder& folder, bool quiet,
                               bool watched = false) {
    std::istringstream in(words);
    std::string program, word;
    in >> program;
    Words arguments;
    while (in >> word) {
        if (word.front() == '@') word = folder.endpoint(word.substr(1));
        if (word.front() == '%') word = keys().path(word.substr(1));
        arguments.push_back(word);
    }
    if (quiet) arguments.push_back("--quiet");
    return start(program, arguments, watched);
}

/// What tests/soak/count.cpp has counted in the processes started meanwhile.
class Counts {
 public:
    Counts() {
        setenv("COUNT_FILE", folder_.path("counts").c_str(), 1);
        setenv("LD_PRELOAD", COUNT_LIBRARY, 1);
    }
    ~Counts() {
        unsetenv("LD_PRELOAD");
        unsetenv("COUNT_FILE");
    }
    /// Contexts made and terminated, sockets opened and closed; nothing when it said nothing.
    std::vector<int> of(int process) {
        std::ifstream in(folder_.path("counts"));
        std::vector<int> line(5), found;
        while (in >> line[0] >> line[1] >> line[2] >> line[3] >> line[4])
            if (line[0] == process) found.assign(line.begin() + 1, line.end());
        return found;
    }
    void forget() { std::remove(folder_.path("counts").c_str()); }

 private:
    Folder folder_;
};

struct Tally {
    int trials = 0, before_main = 0, finished = 0, not_terminated = 0;
    double longest = 0;
    std::vector<double> times;
    void print(const char* what) const {
        std::vector<double> sorted = times;
        std::sort(sorted.begin(), sorted.end());
        std::printf(
            "%s: %d signals; from the signal to the end: median %.1f ms, longest %.0f ms; %d came "
            "before the program could take them, %d after its last line, %d contexts were cut "
            "off\n",
            what, trials, sorted.empty() ? 0. : sorted[sorted.size() / 2] * 1000, longest * 1000,
            before_main, finished, not_terminated);
    }
};

/// Sends `signal` to `victim`, and looks at how it ends. `stuck`: what it has sent is not read, and
/// nothing ends zmq_ctx_term before its linger is over.
void end(Process& victim, bool finite, int signal, Counts& counts, Tally& tally,
         bool stuck = false) {
    const auto begin = Clock::now();
    const int status = victim.stop(signal);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    ++tally.trials;
    tally.times.push_back(seconds);
    tally.longest = std::max(tally.longest, seconds);
    CHECK(seconds < 1);
    if (status == -signal) {  // before Interrupt was there: nothing had been made
        ++tally.before_main;
        CHECK(victim.output().empty());
        CHECK(counts.of(victim.id()).empty());
        return;
    }
    const auto made = counts.of(victim.id());
    REQUIRE(made.size() == 4);
    CHECK(made[2] == made[3]);
    if (made[0] != made[1]) ++tally.not_terminated;
    if (!stuck) CHECK(made[0] == made[1]);
    if (finite && status == 0) {  // it was through
        ++tally.finished;
        return;
    }
    CHECK(status == (finite ? 128 + signal : 0));
    CHECK(victim.errors().find("interrupted") != std::string::npos);
}

}  // namespace

TEST_CASE("soak: every program ends at once, whenever a signal comes", "[soak]") {
    {
        const Folder folder;
        const auto server = start(casts[2][0].words, folder, true);  // each makes its own
        server->endpoint();
        const auto client = start(casts[2][1].words, folder, false);
        client->wait_for("received World");
    }
    Counts counts;
    Tally alone, together;
    for (int trial = 0; trial < trials(5000); ++trial) {
        const auto& cast = casts[static_cast<size_t>(trial) % casts.size()];
        const size_t chosen = static_cast<size_t>(random_up_to(static_cast<int>(cast.size()) - 1));
        const bool single = random_up_to(2) == 0;
        const Folder folder;
        std::vector<size_t> order;
        for (size_t i = 0; i < cast.size(); ++i)
            if (!single || i == chosen) order.push_back(i);
        std::shuffle(order.begin(), order.end(), random_numbers);
        std::map<size_t, std::unique_ptr<Process>> programs;
        auto begin = Clock::now();
        for (const size_t i : order) {
            programs[i] = start(cast[i].words, folder, random_up_to(1) == 0);
            if (i == chosen) begin = Clock::now();
        }
        const auto moment = begin + std::chrono::microseconds(random_up_to(50000));
        std::this_thread::sleep_until(moment);
        INFO(cast[chosen].words << (single ? " alone" : " with its cast") << ", trial " << trial);
        end(*programs[chosen], cast[chosen].finite, random_up_to(1) == 0 ? SIGINT : SIGTERM, counts,
            single ? alone : together);
        programs.clear();
        counts.forget();
    }
    alone.print("without a peer");
    together.print("in the middle of traffic");
}

TEST_CASE("soak: every program ends at once when its queue is full", "[soak]") {
    Counts counts;
    Tally tally;
    for (int trial = 0; trial < trials(300); ++trial) {
        const Folder folder;
        Peer lazy(trial % 3 == 2 ? ZMQ_DEALER : ZMQ_PULL), busy(ZMQ_PUSH);
        lazy.set(ZMQ_RCVHWM, 1);
        std::unique_ptr<Process> victim;
        if (trial % 3 == 0) {  // a worker that does not read
            victim = start("push-pull/sender --bind @t --sink @r --count 0", folder, false);
            lazy.connect(victim->endpoint());
            victim->wait_for("task 1000");
        } else if (trial % 3 == 1) {  // a sinker that does not read
            busy.bind(folder.endpoint("t"));
            lazy.bind(folder.endpoint("r"));
            victim = start("push-pull/worker --connect @t --sink @r", folder, false);
            for (int n = 1; n <= 3000; ++n) busy.send({std::to_string(n)});
            victim->wait_for("task 1000");
        } else {  // clients that do not read, and no server
            victim = start("ex-req-rep/proxy --frontend @f --backend @b", folder, true);
            lazy.connect(victim->endpoint());
            for (int n = 1; n <= 3000; ++n) lazy.send({"", "Hello"});
        }
        pause_ms(random_up_to(20));
        end(*victim, false, random_up_to(1) == 0 ? SIGINT : SIGTERM, counts, tally);
        counts.forget();
    }
    tally.print("with a full queue");
}

TEST_CASE("soak: every program ends at once while it flushes", "[soak]") {
    Counts counts;
    Tally tally;
    for (int trial = 0; trial < trials(100); ++trial) {
        const Folder folder;
        Peer worker(ZMQ_PULL);
        const auto victim = start(std::string(trial % 2 == 0 ? "push-pull" : "push-pull2") +
                                      "/sender --bind @t --sink @nobody --count 3",
                                  folder, false);
        worker.connect(victim->endpoint());
        victim->wait_for(trial % 2 == 0 ? "task 3" : "task a 3");
        pause_ms(random_up_to(20));
        end(*victim, true, random_up_to(1) == 0 ? SIGINT : SIGTERM, counts, tally);
        counts.forget();
    }
    tally.print("while flushing");
    CHECK(tally.finished == 0);
}

TEST_CASE("soak: a program ends at once while it flushes to a peer that does not read", "[soak]") {
    Counts counts;
    Tally tally;
    for (int trial = 0; trial < trials(50); ++trial) {
        const Folder folder;
        const auto victim =
            start("pub-sub/publisher --bind @p --to x --interval 0 --count 2000000", folder, true);
        Peer lazy(ZMQ_SUB);
        lazy.set(ZMQ_RCVHWM, 1);
        lazy.subscribe("x").connect(victim->endpoint());
        victim->wait_for("2000000 messages");
        pause_ms(random_up_to(20));
        end(*victim, true, random_up_to(1) == 0 ? SIGINT : SIGTERM, counts, tally, true);
        counts.forget();
    }
    tally.print("while flushing to a peer that does not read");
    CHECK(tally.finished == 0);
}

TEST_CASE("soak: a million tasks, each once", "[soak]") {
    const int count = trials(1000000) / 4;
    const Folder folder;
    std::deque<std::unique_ptr<Process>> sinkers, others;
    std::string sinks, controls, senders;
    for (const std::string k : {"0", "1", "2"}) {
        sinkers.push_back(start("push-pull2/sinker --senders 4 --bind @r" + k + " --control @c" + k,
                                folder, true));
        sinks += " --sink @r" + k;
        controls += " --control @c" + k;
    }
    for (const std::string name : {"a", "b", "c", "d"}) {
        others.push_back(start("push-pull2/sender --workers 8 --name " + name + " --bind @" + name +
                                   " --count " + std::to_string(count) + sinks,
                               folder, true));
        senders += " --connect @" + name;
    }
    for (int i = 0; i < 8; ++i)
        others.push_back(start("push-pull2/worker" + senders + sinks + controls, folder, true));
    for (auto& program : others) CHECK(program->wait(std::chrono::seconds(600)) == 0);
    int results = 0;
    for (auto& sinker : sinkers) {
        CHECK(sinker->wait(std::chrono::seconds(600)) == 0);
        CHECK(sinker->errors().empty());
        const auto lines = sinker->lines();
        REQUIRE(lines.size() == 7);
        for (size_t i = 2; i < 6; ++i) {
            int n = 0, of = 0;
            char name = 0;
            REQUIRE(std::sscanf(lines[i].c_str(), "%c: %d of %d results, 0 missing, 0 twice", &name,
                                &n, &of) == 3);
            CHECK(n == of);
            CHECK(lines[i].find(" results, 0 missing, 0 twice") != std::string::npos);
            results += n;
        }
        std::printf("%s\n", lines[6].c_str());
    }
    CHECK(results == 4 * count);
}

TEST_CASE("soak: twenty subscribers get every update", "[soak]") {
    const int count = trials(200000);
    const Folder folder;
    std::deque<std::unique_ptr<Process>> subscribers;
    const auto publisher = start(
        "sync-pub-sub/publisher --bind @p --sync @s --subscribers 20 "
        "--count " +
            std::to_string(count),
        folder, true);
    for (int i = 0; i < 20; ++i)
        subscribers.push_back(
            start("sync-pub-sub/subscriber --connect @p --sync @s", folder, true));
    for (auto& subscriber : subscribers) {
        CHECK(subscriber->wait(std::chrono::seconds(600)) == 0);
        CHECK(subscriber->last_line().rfind(std::to_string(count) + " updates in ", 0) == 0);
    }
    CHECK(publisher->wait(std::chrono::seconds(600)) == 0);
    std::printf("%s\n", publisher->last_line().c_str());
}

TEST_CASE("soak: synchronised starts in random order lose nothing", "[soak]") {
    for (int trial = 0; trial < trials(1000); ++trial) {
        const Folder folder;
        Words order(3, "sync-pub-sub/subscriber --connect @p --sync @s");
        order.insert(order.begin() + random_up_to(3),
                     "sync-pub-sub/publisher --bind @p --sync @s --subscribers 3 --count 500");
        std::deque<std::unique_ptr<Process>> programs;
        for (const auto& words : order) {
            programs.push_back(start(words, folder, true));
            pause_ms(random_up_to(10));
        }
        INFO("trial " << trial);
        for (auto& program : programs) {
            CHECK(program->wait() == 0);
            CHECK(program->last_line().rfind("500 ", 0) == 0);
        }
    }
}

TEST_CASE("soak: a killed worker's results are named, and no others", "[soak]") {
    for (int trial = 0; trial < trials(300); ++trial) {
        const Folder folder;
        const std::string worker =
            "push-pull2/worker --connect @t --sink @r0 --sink @r1 --control @c0 --control @c1";
        std::deque<std::unique_ptr<Process>> sinkers, workers;
        for (const std::string k : {"0", "1"})
            sinkers.push_back(
                start("push-pull2/sinker --senders 1 --bind @r" + k + " --control @c" + k, folder,
                      false));
        const auto sender = start(
            "push-pull2/sender --bind @t --sink @r0 --sink @r1 --workers 3 "
            "--count 300",
            folder, false);
        for (int i = 0; i < 3; ++i)
            workers.push_back(start(worker + (i == 0 ? " --work 1" : ""), folder, false));
        workers[0]->wait_for("task ");
        pause_ms(random_up_to(100));
        workers[0]->signal(SIGKILL);
        CHECK(sender->wait() == 0);
        for (const size_t i : {1U, 2U}) CHECK(workers[i]->wait() == 0);
        CHECK(workers[0]->wait() == -SIGKILL);
        for (size_t k = 0; k < 2; ++k) {
            INFO("trial " << trial << ", sinker " << k);
            const int status = sinkers[k]->wait();
            std::vector<bool> came(301);
            for (const auto& line : sinkers[k]->lines())
                if (line.rfind("result a ", 0) == 0)
                    came[static_cast<size_t>(std::stoi(line.substr(9)))] = true;
            // "sinker: lost, results of a: 2 4-10 16": rows go on in steps of two
            std::vector<bool> lost(301);
            std::string errors = sinkers[k]->errors();
            const std::string prefix = "sinker: lost, results of a:";
            if (!errors.empty()) {
                REQUIRE(errors.rfind(prefix, 0) == 0);
                std::istringstream rows(errors.substr(prefix.size()));
                for (std::string row; rows >> row;) {
                    const size_t dash = row.find('-');
                    const int last = std::stoi(dash == row.npos ? row : row.substr(dash + 1));
                    for (int n = std::stoi(row); n <= last; n += 2)
                        lost[static_cast<size_t>(n)] = true;
                }
            }
            CHECK(status == (errors.empty() ? 0 : 1));
            for (size_t n = 2 - k; n <= 300; n += 2) CHECK(came[n] != lost[n]);
        }
    }
}

TEST_CASE("soak: clients outlive servers that are killed", "[soak]") {
    const Folder folder;
    const auto client = start("req-rep/client --connect @s --timeout 20 --count 0", folder, false);
    for (int life = 0; life < trials(200); ++life) {
        const auto server = start("req-rep/server --bind @s", folder, false);
        client->wait_for("received World");
        pause_ms(random_up_to(5));
        CHECK(server->stop(SIGKILL) == -SIGKILL);
    }
    CHECK(client->stop(SIGINT) == 0);
}

TEST_CASE("soak: clients and servers go on when a killed proxy is back", "[soak]") {
    for (const std::string proxy : {"ex-req-rep/proxy", "ex-req-rep2/proxy"}) {
        const Folder folder;
        const auto server = start("ex-req-rep/server --connect @b --name A", folder, false);
        for (int life = 0; life < trials(100); ++life) {
            const auto process = start(proxy + " --frontend @f --backend @b", folder, true);
            // A client of ex-req-rep has no timeout: each life has one of its own.
            const auto client =
                start("req-rep/client --connect @f --timeout 50 --count 20", folder, false);
            server->wait_for("A answers Hello");
            if (life % 2 == 0) CHECK(client->wait() == 0);
            CHECK(process->stop(SIGKILL) == -SIGKILL);
            if (life % 2 == 1) {
                const auto again = start(proxy + " --frontend @f --backend @b", folder, true);
                CHECK(client->wait() == 0);
            }
            CHECK(client->last_line() == "20 replies");
        }
        CHECK(server->stop(SIGINT) == 0);
    }
}

TEST_CASE("soak: a server ends whose last client has left without its reply", "[soak]") {
    int lingered = 0;
    for (int trial = 0; trial < trials(200); ++trial) {
        Process server("req-rep/server", {"--bind", any_port, "--count", "1", "--quiet"});
        {
            Peer client(ZMQ_REQ);
            client.set(ZMQ_LINGER, -1).connect(server.endpoint());
            client.send({"Hello"});
        }
        const auto begin = Clock::now();
        CHECK(server.wait() == 0);
        if (Clock::now() - begin > std::chrono::seconds(1)) ++lingered;
    }
    std::printf("a client that left at once: %d of %d servers lingered for it\n", lingered,
                trials(200));
}

TEST_CASE("soak: random wrong arguments are refused and nothing else is done", "[soak]") {
    Counts counts;
    const std::string bytes = "\x01\x7f\xff -=%n0";
    int tried = 0;
    for (const auto& program : programs())
        for (int trial = 0; trial < trials(250); ++trial, ++tried) {
            Words options = program.others, arguments;
            for (const auto& endpoint : program.endpoints) options.push_back(endpoint.option);
            for (int n = random_up_to(6); n > 0; --n) {
                std::string word = "--quiet";
                if (!options.empty() && random_up_to(3) > 0)
                    word = "--" + options[static_cast<size_t>(
                                      random_up_to(static_cast<int>(options.size()) - 1))];
                if (random_up_to(3) == 0)
                    word.insert(static_cast<size_t>(random_up_to(static_cast<int>(word.size()))), 1,
                                bytes[static_cast<size_t>(random_up_to(7))]);
                if (random_up_to(3) == 0) word = std::to_string(random_numbers());
                if (random_up_to(9) == 0) word = std::string(5000, 'x');
                if (word.rfind("-h", 0) == 0 || word == "--help") continue;
                arguments.push_back(word);
            }
            // An option may take the first of them for its value, but not both.
            arguments.insert(arguments.end(), {"--no-such", "--no-such"});
            std::string all;
            for (const auto& word : arguments) all += word.substr(0, 40) + " ";
            INFO(program.path << " " << all);
            Process process(program.path, arguments);
            CHECK(process.wait() == 2);
            CHECK(process.output().empty());
            CHECK(lines_of(process.errors()).size() == 2);
            CHECK(counts.of(process.id()) == std::vector<int>{0, 0, 0, 0});
            counts.forget();
        }
    std::printf("wrong arguments: %d command lines\n", tried);
}

namespace {

void is_clean(Process& process, int expected) {
    CHECK(process.wait(std::chrono::seconds(120)) == expected);
    CHECK(process.errors().find("==") == std::string::npos);  // how lines of valgrind begin
}

/// Casts of programs that end by themselves, where they do.
const std::vector<std::vector<Member>> finite_casts = {
    {{"req-rep/server --bind @1 --count 3", true}, {"req-rep/client --connect @1 --count 3", true}},
    {{"pub-sub/publisher --bind @1 --count 100 --interval 50 --to a", true},
     {"pub-sub/subscriber --connect @1 --name a --count 1", true}},
    {{"push-pull/sinker --bind @1", true},
     {"push-pull/sender --sink @1 --bind @2 --count 9", true},
     {"push-pull/worker --sink @1 --connect @2", false}},
    {{"push-pull2/sinker --bind @1 --control @2 --senders 1", true},
     {"push-pull2/sender --sink @1 --bind @3 --count 9", true},
     {"push-pull2/worker --sink @1 --control @2 --connect @3", true}},
    {{"ex-req-rep/proxy --frontend @1 --backend @2", false},
     {"ex-req-rep/server --connect @2 --count 3", true},
     {"ex-req-rep/client --connect @1 --count 3", true}},
    {{"mt-req-rep/server --bind @1", false}, {"mt-req-rep/client --connect @1 --count 3", true}},
    {{"mt-ready/steps", true}},
    {{"sync-pub-sub/publisher --bind @1 --sync @2 --subscribers 1", true},
     {"sync-pub-sub/subscriber --connect @1 --sync @2", true}},
    {{"pub-sub-envelope/publisher --bind @1 --count 100 --interval 50", true},
     {"pub-sub-envelope/subscriber --connect @1 --count 1", true}},
};

}  // namespace

TEST_CASE("soak: valgrind finds nothing in any program in any way of ending", "[soak]") {
    if (access(valgrind.c_str(), X_OK) == -1) {
        std::printf("valgrind: skipped, it is not installed\n");
        return;
    }
    int watched = 0;
    const auto ends = [&watched](const Program& program, const Words& arguments, int expected) {
        ++watched;
        is_clean(*start(program.path, arguments, true), expected);
    };
    for (const auto& program : programs()) {
        INFO(program.path);
        ends(program, {"--help"}, 0);
        ends(program, {"--no-such"}, 2);
        if (program.endpoints.empty() || program.name() == "worker") continue;
        const Folder folder;
        Words arguments = own_endpoints(program, folder);
        arguments.insert(arguments.end(), {"--" + program.endpoints.front().option, "nonsense"});
        ends(program, arguments, 1);
    }
    // In the middle of traffic.
    for (const auto& cast : casts)
        for (size_t chosen = 0; chosen < cast.size(); ++chosen) {
            if (cast[chosen].words == "mt-ready/steps --steps 500") continue;  // more than it takes
            INFO(cast[chosen].words);
            const Folder folder;
            std::vector<std::unique_ptr<Process>> others;
            for (size_t i = 0; i < cast.size(); ++i)
                if (i != chosen) others.push_back(start(cast[i].words, folder, true));
            const auto victim = start(cast[chosen].words, folder, false, true);
            ++watched;
            victim->wait_for(" ");  // a line: of a message, or where it listens
            victim->signal(SIGINT);
            is_clean(*victim, cast[chosen].finite ? 128 + SIGINT : 0);
        }
    // At the end of their work.
    for (const auto& cast : finite_casts) {
        const Folder folder;
        std::vector<std::unique_ptr<Process>> all;
        for (const auto& member : cast) all.push_back(start(member.words, folder, true, true));
        for (const bool finite : {true, false})
            for (size_t i = 0; i < cast.size(); ++i) {
                if (cast[i].finite != finite) continue;
                INFO(cast[i].words);
                ++watched;
                if (!finite) all[i]->signal(SIGINT);
                is_clean(*all[i], 0);
            }
    }
    std::printf("valgrind: %d processes watched\n", watched);
}
