// Long runs: signals at random moments, exactness under load, peers that are killed, valgrind. Not
// part of the quick suite; ./run soak runs them. SOAK=10 makes a tenth of the trials.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "patterns.hpp"

namespace {

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

/// The patterns that can run here, and mt-ready. Makes the keys of curve-req-rep.
std::vector<Pattern> runs() {
    std::vector<Pattern> all{{"mt-ready", {{"mt-ready/steps", "", "--steps 400", "", "3 .*"}}}};
    each_pattern([&all](const Pattern& pattern) {
        all.push_back(pattern);
        if (pattern.name != "curve-req-rep") return;
        Running makes_keys(pattern);
        makes_keys.start_all();
        makes_keys.check_end();
    });
    return all;
}

}  // namespace

TEST_CASE("soak: every program ends at once, whenever a signal comes", "[soak]") {
    const auto all = runs();
    std::vector<double> times;  // ms from the signal to the end
    int alone = 0, not_begun = 0;
    for (int trial = 0; trial < trials(5000); ++trial) {
        Pattern pattern = all[static_cast<size_t>(trial) % all.size()];
        auto& parts = pattern.parts;
        std::shuffle(parts.begin(), parts.end(), random_numbers);
        if (one_in(3)) parts.resize(1);
        for (auto& part : parts) part.arguments += one_in(2) ? " --quiet" : "";
        Running running(pattern, true);
        running.command = {"/usr/bin/env", "LD_PRELOAD=" COUNT_LIBRARY};  // tests/soak/count.cpp
        running.ipc = true;
        running.start_all();
        pause_up_to(50);
        Process& victim = running.processes.back();
        INFO(parts.back().path << " with " << parts.size() - 1 << " peers, trial " << trial);
        const int signal = one_in(2) ? SIGINT : SIGTERM;
        const auto begin = std::chrono::steady_clock::now();
        const int status = victim.stop(signal);
        const std::chrono::duration<double, std::milli> passed =
            std::chrono::steady_clock::now() - begin;
        CHECK(passed.count() < 1000);
        times.push_back(passed.count());
        if (parts.size() == 1) ++alone;
        if (status == -signal) {  // Interrupt was not there yet
            ++not_begun;
            CHECK(victim.output().empty());
            continue;
        }
        const bool may_be_done = parts.back().path == "mt-ready/steps";
        if (may_be_done && status == 0) continue;
        CHECK(status == 128 + signal);
        CHECK(victim.errors().find("interrupted") != std::string::npos);
        const bool terminated = victim.errors().find("contexts left: 0") != std::string::npos;
        CHECK((terminated || may_be_done));
    }
    std::sort(times.begin(), times.end());
    std::printf(
        "%zu signals, %d of them without a peer: %.1f ms to the end (median), %.0f ms "
        "(longest); %d killed a program that had not begun\n",
        times.size(), alone, times[times.size() / 2], times.back(), not_begun);
}

TEST_CASE("soak: a million tasks, each once", "[soak]") {
    const int count = trials(1000000) / 4;
    std::deque<Process> sinkers, senders, workers;
    std::vector<Lines> shares(3);  // task n goes to sinker n mod 3
    for (const std::string name : {"a ", "b ", "c ", "d "})
        for (int n = 1; n <= count; ++n)
            shares[static_cast<size_t>(n) % 3].push_back(name + std::to_string(n));
    // Over tcp, because libzmq loses the end of a long stream over ipc.
    std::string worker = "push-pull2/worker --quiet";
    for (const auto& share : shares) {
        auto& sinker = sinkers.emplace_back("push-pull2/sinker --patience 0 --bind " + any_port +
                                            " --control " + any_port + " --count " +
                                            std::to_string(share.size()));
        worker += " --sink " + sinker.endpoint();
        worker += " --control " + sinker.endpoint();
    }
    for (const std::string name : {"a", "b", "c", "d"}) {
        auto& sender =
            senders.emplace_back("push-pull2/sender --workers 8 --quiet --bind " + any_port +
                                 " --name " + name + " --count " + std::to_string(count));
        worker += " --connect " + sender.endpoint();
    }
    for (int i = 0; i < 8; ++i) workers.emplace_back(worker);
    for (auto* programs : {&senders, &workers, &sinkers})
        for (auto& program : *programs) CHECK(program.wait(long_time) == 0);
    for (size_t k = 0; k < 3; ++k) {
        const bool each_once = sorted(sinkers[k].lines_with("result")) == sorted(shares[k]);
        CHECK(each_once);
    }
    std::printf("%d tasks, each once\n", 4 * count);
}

TEST_CASE("soak: no subscriber misses an update, in any order of starting", "[soak]") {
    for (int trial = 0; trial <= trials(1000); ++trial) {
        INFO("trial " << trial);
        // Once many at full speed, and then many times a few. Each checks the numbers itself.
        const size_t subscribers = trial == 0 ? 20 : 3;
        const std::string count = std::to_string(trial == 0 ? trials(200000) : 500);
        const std::string endpoints = "@p --sync @s --quiet ";
        Pattern pattern{"",
                        {subscribers,
                         {"sync-pub-sub/subscriber", "--patience 0 --connect " + endpoints, "", "",
                          count + " updates .*"}}};
        pattern.parts.insert(pattern.parts.begin() + random_up_to(3),
                             {"sync-pub-sub/publisher",
                              "--subscribers " + std::to_string(subscribers) + " --count " + count +
                                  " --bind " + endpoints,
                              "", "", count + " messages .*"});
        Running running(pattern);
        running.ipc = true;
        for (const auto& part : pattern.parts) {
            running.start(part);
            pause_up_to(10);
        }
        running.check_end(long_time);
    }
}

TEST_CASE("soak: a retrying client gets each reply although its server or proxy is killed",
          "[soak]") {
    const Folder folder;
    const std::string front = folder.endpoint("f"), back = folder.endpoint("b");
    const std::string ends = "/proxy --quiet --frontend " + front + " --backend " + back;
    Process behind("ex-req-rep/server --quiet --connect " + back);
    for (const std::string& command :
         {"req-rep/server --quiet --bind " + front, "ex-req-rep" + ends, "ex-req-rep2" + ends})
        for (int trial = 0; trial < trials(100); ++trial) {
            INFO(command << ", trial " << trial);
            Process client("retry-req-rep/client --timeout 50 --count 300 --connect " + front);
            std::optional<Process> process(std::in_place, command);
            client.wait_for("received World");
            pause_up_to(10);
            process.emplace(command);  // kills the first
            CHECK(client.wait() == 0);
            CHECK(client.last_line() == "300 replies");
        }
}

TEST_CASE("soak: valgrind finds nothing in any program, after Ctrl-C or a normal end", "[soak]") {
    if (access("/usr/bin/valgrind", X_OK) == -1) {
        std::printf("valgrind: skipped, it is not installed\n");
        return;
    }
    size_t watched = 0;
    for (const auto& pattern : runs())
        for (const bool interrupt : {true, false}) {  // Ctrl-C in traffic, or a normal end
            if (interrupt && pattern.parts.size() == 1)
                continue;                                   // more threads than valgrind takes
            if (random_up_to(99) >= trials(100)) continue;  // a short run takes only some
            INFO(pattern.name);
            Running running(pattern, interrupt);
            running.ipc = true;
            // The thread that waits for signals lives to the end: its stack is "possibly lost".
            running.command = words_of(
                "/usr/bin/valgrind -q --leak-check=full --error-exitcode=99"
                " --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect");
            running.start_all();
            if (interrupt) running.wait_for_traffic();
            running.check_end(std::chrono::seconds(120));
            for (auto& process : running.processes)  // how valgrind begins a line
                CHECK(process.errors().find("==") == std::string::npos);
            watched += running.processes.size();
        }
    std::printf("valgrind: %zu processes watched\n", watched);
}
