// Long runs: signals at random moments, exactness under load, peers that are killed, valgrind. Not
// part of the quick suite; ./run soak runs them. SOAK=10 makes a tenth of the trials.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>

#include "patterns.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using Started = std::unique_ptr<Process>;

std::mt19937 random_numbers(20261123);

int random_up_to(int most) { return std::uniform_int_distribution(0, most)(random_numbers); }
bool one_in(int n) { return random_up_to(n - 1) == 0; }

int trials(int all) {
    const char* const percent = std::getenv("SOAK");
    return percent == nullptr ? all : std::max(1, all / 100 * std::atoi(percent));
}

void pause_up_to(int ms) {  // the moment of a signal, not a wait for anything
    std::this_thread::sleep_for(std::chrono::microseconds(random_up_to(ms * 1000)));
}

constexpr std::chrono::seconds long_time(600);

/// Starts "FOLDER/PROGRAM ARGUMENT ...", alone or as the last argument of another command. @ is a
/// folder of its own, and % one for all, because the programs of curve-req-rep keep their keys.
Started start(const std::string& words, const Folder& folder, Lines command = {}) {
    static const Folder keys;
    std::istringstream in(words);
    std::string word;
    in >> word;
    command.push_back(BINARY_DIR "/" + word);
    while (in >> word) {
        if (word[0] == '@') word = folder.endpoint(word.substr(1));
        if (word[0] == '%') word = keys.path(word.substr(1));
        command.push_back(word);
    }
    return std::make_unique<Process>(command[0], Lines(command.begin() + 1, command.end()));
}

std::string endless(const Part& part) {
    return part.path + " " + part.arguments + " " + part.endless;
}

/// The patterns that can run here. Makes the keys of curve-req-rep, which its programs share.
std::vector<Pattern> runs() {
    std::vector<Pattern> all{{"mt-ready", {{"mt-ready/steps", "", "--steps 400", "", "3 .*"}}}};
    for (const auto& pattern : patterns())
        if (can_run(pattern.name + "/")) all.push_back(pattern);
    if (!can_run("curve-req-rep/")) return all;
    const Folder folder;
    const auto server =
        start("curve-req-rep/server --bind @a --key %server --allow %client.public", folder);
    server->endpoint();
    start("curve-req-rep/client --connect @a --key %client --server %server.public", folder)
        ->wait_for("received");
    return all;
}

/// Sends signals to programs, and checks how they end, with tests/soak/count.cpp in each process.
class Signals {
 public:
    explicit Signals(const char* when) : when_(when) { setenv("LD_PRELOAD", COUNT_LIBRARY, 1); }
    ~Signals() {
        unsetenv("LD_PRELOAD");
        if (times_.empty()) return;
        std::sort(times_.begin(), times_.end());
        std::printf(
            "%s: %zu signals; to the end %.1f ms (median), %.0f ms (longest); %d killed a program "
            "that had not begun, %d contexts were cut off\n",
            when_, times_.size(), times_[times_.size() / 2] * 1000, times_.back() * 1000,
            not_begun_, cut_off_);
    }
    /// `done`: it may be done, but for its messages, for which it does not wait after a signal.
    void end(Process& program, bool done = false) {
        const int signal = one_in(2) ? SIGINT : SIGTERM;
        const auto begin = Clock::now();
        const int status = program.stop(signal);
        times_.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
        CHECK(times_.back() < 1);
        if (status == -signal) {  // Interrupt was not there yet
            ++not_begun_;
            CHECK(program.output().empty());
            return;
        }
        const std::string errors = program.errors();
        if (!done || status != 0) {
            CHECK(status == 128 + signal);
            CHECK(errors.find("interrupted") != std::string::npos);
        }
        if (errors.find("all contexts terminated") != std::string::npos) return;
        CHECK(done);
        ++cut_off_;
    }

 private:
    const char* const when_;
    int not_begun_ = 0, cut_off_ = 0;
    std::vector<double> times_;
};

}  // namespace

TEST_CASE("soak: every program ends at once, whenever a signal comes", "[soak]") {
    const auto all = runs();
    Signals alone("without a peer"), together("in traffic");
    for (int trial = 0; trial < trials(5000); ++trial) {
        auto parts = all[static_cast<size_t>(trial) % all.size()].parts;
        std::shuffle(parts.begin(), parts.end(), random_numbers);
        const bool single = one_in(3);
        if (single) parts.resize(1);
        const std::string& victim = parts.back().path;
        INFO(victim << (single ? " alone" : " with its peers") << ", trial " << trial);
        const Folder folder;
        std::deque<Started> started;
        for (const auto& part : parts)
            started.push_back(start(endless(part) + (one_in(2) ? " --quiet" : ""), folder));
        pause_up_to(50);
        (single ? alone : together).end(*started.back(), victim == "mt-ready/steps");
    }
}

TEST_CASE("soak: a program whose messages are not taken ends at once", "[soak]") {
    Signals full("with a full queue"), finished("finished, while flushing");
    for (int trial = 0; trial < trials(300); ++trial) {
        const Folder folder;
        Peer worker(ZMQ_PULL), client(ZMQ_DEALER), subscriber(ZMQ_SUB), report(ZMQ_REQ);
        Started victim;
        if (trial % 4 == 0) {
            victim = start("push-pull/sender --bind @t --count 0", folder);
            worker.set(ZMQ_RCVHWM, 1).connect(victim->endpoint());
            victim->wait_for("task 1000");
        } else if (trial % 4 == 1) {
            victim = start("ex-req-rep/proxy --frontend @f --backend @no-server", folder);
            client.connect(victim->endpoint());
            for (int n = 1; n <= 3000; ++n) client.send({"", "Hello"});
        } else {
            victim = start("sync-pub-sub/publisher --bind @p --sync @s --subscribers 1 --count " +
                               std::string(trial % 4 == 2 ? "0" : "100000"),
                           folder);
            subscriber.set(ZMQ_RCVHWM, 1).subscribe("").connect(victim->endpoint());
            report.connect(victim->endpoint()).send({""});
            victim->wait_for(trial % 4 == 2 ? "published 1000" : "100000 messages");
        }
        pause_up_to(20);
        (trial % 4 == 3 ? finished : full).end(*victim, trial % 4 == 3);
    }
}

TEST_CASE("soak: a million tasks, each once", "[soak]") {
    const int count = trials(1000000) / 4;
    const Folder none;  // over tcp, because libzmq loses the end of a long stream over ipc
    std::deque<Started> sinkers, senders, workers;
    std::vector<Lines> shares(3);  // task n goes to sinker n mod 3
    for (const std::string name : {"a ", "b ", "c ", "d "})
        for (int n = 1; n <= count; ++n)
            shares[static_cast<size_t>(n) % 3].push_back(name + std::to_string(n));
    std::string peers;
    for (const auto& share : shares) {
        sinkers.push_back(start("push-pull2/sinker --patience 0 --bind " + any_port +
                                    " --control " + any_port + " --count " +
                                    std::to_string(share.size()),
                                none));
        peers += " --sink " + sinkers.back()->endpoint();
        peers += " --control " + sinkers.back()->endpoint();
    }
    for (const std::string name : {"a", "b", "c", "d"}) {
        senders.push_back(start("push-pull2/sender --workers 8 --quiet --bind " + any_port +
                                    " --name " + name + " --count " + std::to_string(count),
                                none));
        peers += " --connect " + senders.back()->endpoint();
    }
    for (int i = 0; i < 8; ++i) workers.push_back(start("push-pull2/worker --quiet" + peers, none));
    for (auto* programs : {&senders, &workers, &sinkers})
        for (auto& program : *programs) CHECK(program->wait(long_time) == 0);
    for (size_t k = 0; k < 3; ++k) {
        const bool each_once = sorted(sinkers[k]->lines_with("result")) == sorted(shares[k]);
        CHECK(each_once);
    }
    std::printf("%d tasks, each once\n", 4 * count);
}

TEST_CASE("soak: no subscriber misses an update, in any order of starting", "[soak]") {
    for (int trial = 0; trial <= trials(1000); ++trial) {
        const Folder folder;
        INFO("trial " << trial);
        // Once many at full speed, and then many times a few. Each checks the numbers itself.
        const size_t subscribers = trial == 0 ? 20 : 3;
        const std::string count = std::to_string(trial == 0 ? trials(200000) : 500);
        Lines order(subscribers, "sync-pub-sub/subscriber --connect @p --sync @s --patience 0");
        order.insert(order.begin() + random_up_to(3),
                     "sync-pub-sub/publisher --bind @p --sync @s --subscribers " +
                         std::to_string(subscribers) + " --count " + count);
        std::deque<Started> programs;
        for (const auto& words : order) {
            programs.push_back(start(words + " --quiet", folder));
            pause_up_to(10);
        }
        for (auto& program : programs) {
            CHECK(program->wait(trial == 0 ? long_time : deadline) == 0);
            CHECK(program->last_line().rfind(count + " ", 0) == 0);
        }
    }
}

TEST_CASE("soak: a retrying client gets each reply although its server or proxy is killed",
          "[soak]") {
    for (const std::string words :
         {"req-rep/server --bind @f", "ex-req-rep/proxy --frontend @f --backend @b",
          "ex-req-rep2/proxy --frontend @f --backend @b"}) {
        const Folder folder;
        const auto behind = start("ex-req-rep/server --connect @b", folder);
        for (int trial = 0; trial < trials(100); ++trial) {
            INFO(words << ", trial " << trial);
            const auto client =
                start("retry-req-rep/client --connect @f --timeout 50 --count 300", folder);
            auto process = start(words + " --quiet", folder);
            client->wait_for("received World");
            pause_up_to(10);
            CHECK(process->stop(SIGKILL) == -SIGKILL);
            process = start(words + " --quiet", folder);
            CHECK(client->wait() == 0);
            CHECK(client->last_line() == "300 replies");
        }
    }
}

TEST_CASE("soak: valgrind finds nothing in any program, after Ctrl-C or a normal end", "[soak]") {
    if (access("/usr/bin/valgrind", X_OK) == -1) {
        std::printf("valgrind: skipped, it is not installed\n");
        return;
    }
    int watched = 0;
    const auto begin = [](const std::string& words, const Folder& folder) {
        // The thread that waits for signals lives to the end, so its stack is "possibly lost".
        return start(
            words, folder,
            {"/usr/bin/valgrind", "-q", "--leak-check=full", "--error-exitcode=99",
             "--errors-for-leak-kinds=definite,indirect", "--show-leak-kinds=definite,indirect"});
    };
    const auto check_end = [&watched](const Started& process, int expected) {
        ++watched;
        CHECK(process->wait(std::chrono::seconds(120)) == expected);
        CHECK(process->errors().find("==") == std::string::npos);  // how valgrind begins a line
    };
    for (const auto& [name, parts] : runs())
        for (const bool interrupt : {true, false}) {        // Ctrl-C in traffic, or a normal end
            if (interrupt && parts.size() == 1) continue;   // more threads than valgrind takes
            if (random_up_to(99) >= trials(100)) continue;  // a short run takes only some
            const Folder own;
            std::deque<Started> processes;
            for (const auto& part : parts)
                processes.push_back(
                    begin(interrupt ? endless(part) : part.path + " " + part.arguments, own));
            for (size_t i = 0; interrupt && i < parts.size(); ++i)
                if (!parts[i].shows.empty()) processes[i]->wait_for(parts[i].shows);
            for (const bool by_itself : {true, false})
                for (size_t i = 0; i < parts.size(); ++i) {
                    INFO(parts[i].path << " " << parts[i].arguments);
                    if (by_itself != (!interrupt && !parts[i].summary.empty())) continue;
                    if (!by_itself) processes[i]->signal(SIGINT);
                    check_end(processes[i], by_itself ? 0 : 128 + SIGINT);
                }
        }
    std::printf("valgrind: %d processes watched\n", watched);
}
