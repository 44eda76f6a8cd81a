// Long runs: signals at random moments, exactness under load, peers that are killed. Not part of
// the quick suite; ./run soak runs them. SOAK=10 makes a tenth of the trials.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>

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

/// The patterns that can run here, and a program that ends after a moment.
std::vector<Pattern> runs() {
    std::vector<Pattern> all{{"mt-ready", {{"mt-ready/steps", "--steps 400", "", "", "400 .*"}}}};
    for (const auto& pattern : patterns())
        if (can_run(pattern.name + "/")) all.push_back(pattern);
    return all;
}

/// Starts "FOLDER/PROGRAM ARGUMENT ...". @ is a folder of its own, and % one for all, because the
/// programs of curve-req-rep keep their keys.
Started start(const std::string& words, const Folder& folder, bool valgrind = false) {
    static const Folder keys;
    std::istringstream in(words);
    std::string program, word;
    in >> program;
    Lines arguments;
    while (in >> word) {
        if (word[0] == '@') word = folder.endpoint(word.substr(1));
        if (word[0] == '%') word = keys.path(word.substr(1));
        arguments.push_back(word);
    }
    if (!valgrind) return std::make_unique<Process>(program, arguments);
    // The thread that waits for signals lives to the end, so its stack is "possibly lost".
    Lines watched{"-q", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect",
                  "--show-leak-kinds=definite,indirect", "--error-exitcode=99"};
    watched.push_back(BINARY_DIR "/" + program);
    watched.insert(watched.end(), arguments.begin(), arguments.end());
    return std::make_unique<Process>("/usr/bin/valgrind", watched);
}

std::string endless(const Part& part) {
    return part.path + " " + part.arguments + " " + part.endless;
}

/// Makes the keys of curve-req-rep: a client needs its server's before it starts.
void make_keys() {
    if (!can_run("curve-req-rep/")) return;
    const Folder folder;
    std::deque<Started> both;
    for (const auto& pattern : patterns())
        for (const auto& part : pattern.parts)
            if (pattern.name == "curve-req-rep")
                both.push_back(start(endless(part), folder)), both.back()->wait_for(" ");
}

/// What tests/soak/count.cpp counts in the processes that are started meanwhile.
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
    /// Contexts made and terminated, sockets opened and closed; nothing if it was killed.
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

/// Sends signals to programs, and checks how they end.
class Signals {
 public:
    Signals(Counts& counts, const char* when) : counts_(counts), when_(when) {}
    ~Signals() {
        if (times_.empty()) return;
        std::sort(times_.begin(), times_.end());
        std::printf(
            "%s: %zu signals; to the end %.1f ms (median), %.0f ms (longest); %d killed a program "
            "that had not begun, %d came after the last line, %d contexts were cut off\n",
            when_, times_.size(), times_[times_.size() / 2] * 1000, times_.back() * 1000,
            not_begun_, finished_, cut_off_);
    }
    /// `may_be_done`: then only its messages are left, and the program does not wait for them.
    void end(Process& program, bool may_be_done = false) {
        const int signal = one_in(2) ? SIGINT : SIGTERM;
        const auto begin = Clock::now();
        const int status = program.stop(signal);
        times_.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
        CHECK(times_.back() < 1);
        const auto made = counts_.of(program.id());
        counts_.forget();
        if (status == -signal) {  // Interrupt was not there yet
            ++not_begun_;
            CHECK(program.output().empty());
            CHECK(made.empty());
            return;
        }
        REQUIRE(made.size() == 4);
        CHECK(made[2] == made[3]);
        if (made[0] != made[1]) ++cut_off_;
        if (!may_be_done) CHECK(made[0] == made[1]);
        if (status == 0) {
            ++finished_;
            CHECK(program.last_line().find("steps in order") != std::string::npos);
            return;
        }
        CHECK(status == 128 + signal);
        CHECK(program.errors().find("interrupted") != std::string::npos);
    }

 private:
    Counts& counts_;
    const char* const when_;
    int not_begun_ = 0, finished_ = 0, cut_off_ = 0;
    std::vector<double> times_;
};

}  // namespace

TEST_CASE("soak: every program ends at once, whenever a signal comes", "[soak]") {
    make_keys();
    Counts counts;
    Signals alone(counts, "without a peer"), together(counts, "in traffic");
    const auto all = runs();
    for (int trial = 0; trial < trials(5000); ++trial) {
        auto parts = all[static_cast<size_t>(trial) % all.size()].parts;
        std::shuffle(parts.begin(), parts.end(), random_numbers);
        const auto chosen = static_cast<size_t>(random_up_to(static_cast<int>(parts.size()) - 1));
        const bool single = one_in(3);
        INFO(parts[chosen].path << (single ? " alone" : " with its peers") << ", trial " << trial);
        const Folder folder;
        Started victim;
        std::deque<Started> others;
        Clock::time_point begin;
        for (size_t i = 0; i < parts.size(); ++i) {
            const std::string words = endless(parts[i]) + (one_in(2) ? " --quiet" : "");
            if (i == chosen)
                victim = start(words, folder), begin = Clock::now();
            else if (!single)
                others.push_back(start(words, folder));
        }
        std::this_thread::sleep_until(begin + std::chrono::microseconds(random_up_to(50000)));
        (single ? alone : together).end(*victim, parts[chosen].path == "mt-ready/steps");
    }
}

TEST_CASE("soak: a program whose messages are not taken ends at once", "[soak]") {
    Counts counts;
    Signals full(counts, "with a full queue"), finished(counts, "finished, while flushing");
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
    std::string peers;
    for (int k = 0; k < 3; ++k) {
        const int share = 4 * (k == 0 ? count / 3 : (count - k) / 3 + 1);
        sinkers.push_back(start("push-pull2/sinker --patience 0 --bind " + any_port +
                                    " --control " + any_port + " --count " + std::to_string(share),
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
    for (auto& sender : senders) CHECK(sender->wait(long_time) == 0);
    for (auto& worker : workers) CHECK(worker->wait(long_time) == 0);
    int results = 0, wrong = 0;
    std::vector<std::vector<bool>> came(4, std::vector<bool>(static_cast<size_t>(count) + 1));
    for (size_t k = 0; k < 3; ++k) {
        CHECK(sinkers[k]->wait(long_time) == 0);
        CHECK(sinkers[k]->errors().empty());
        for (const auto& line : sinkers[k]->lines()) {
            char name = 0;
            size_t n = 0;
            if (std::sscanf(line.c_str(), "result %c %zu", &name, &n) != 2) continue;
            auto place = came.at(static_cast<size_t>(name - 'a')).at(n);
            if (place || n % 3 != k) ++wrong;
            place = true;
            ++results;
        }
    }
    CHECK(results == 4 * count);
    CHECK(wrong == 0);
    std::printf("%d results, %d of them twice or at the wrong sinker\n", results, wrong);
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

TEST_CASE("soak: a killed worker's tasks are lost, and only those", "[soak]") {
    int lost = 0;
    for (int trial = 0; trial < trials(200); ++trial) {
        const Folder folder;
        INFO("trial " << trial);
        std::deque<Started> workers;
        const auto sinker =
            start("push-pull2/sinker --patience 300 --count 300 --bind @r --control @c", folder);
        const auto sender = start("push-pull2/sender --bind @t --workers 3 --count 300", folder);
        for (const std::string work : {"1", "0", "0"})
            workers.push_back(start(
                "push-pull2/worker --connect @t --sink @r --control @c --work " + work, folder));
        workers[0]->wait_for("task ");
        pause_up_to(150);
        workers[0]->signal(SIGKILL);
        CHECK(sender->wait() == 0);
        std::set<std::string> done, tasks;
        for (const auto& worker : workers) {
            const int status = worker->wait();
            CHECK((status == 0 || (worker == workers[0] && status == -SIGKILL)));
            for (const auto& line : worker->lines()) {
                if (line.rfind("task ", 0) != 0) continue;
                tasks.insert(line.substr(5));
                if (worker != workers[0]) done.insert(line.substr(5));
            }
        }
        const int status = sinker->wait();
        std::multiset<std::string> results;
        for (const auto& line : sinker->lines())
            if (line.rfind("result ", 0) == 0) results.insert(line.substr(7));
        CHECK(status == (results.size() == 300 ? 0 : 1));
        CHECK(sinker->last_line() == std::to_string(results.size()) + " of 300 results");
        CHECK(std::set<std::string>(results.begin(), results.end()).size() == results.size());
        CHECK(std::includes(results.begin(), results.end(), done.begin(), done.end()));
        CHECK(std::includes(tasks.begin(), tasks.end(), results.begin(), results.end()));
        lost += 300 - static_cast<int>(results.size());
    }
    std::printf("killed workers: %d, tasks lost with them: %d\n", trials(200), lost);
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

TEST_CASE("soak: random wrong arguments are refused, and nothing else is done", "[soak]") {
    Counts counts;
    const std::string bytes = "\x01\x7f\xff -=%n0";
    const auto any = [](const auto& all) {
        return all[static_cast<size_t>(random_up_to(static_cast<int>(all.size()) - 1))];
    };
    for (const auto& program : programs()) {
        Lines options{"quiet"};
        for (const auto& endpoint : program.endpoints) options.push_back(endpoint.option);
        for (const auto& setting : program.settings) options.push_back(setting.option);
        for (int trial = 0; trial < trials(200); ++trial) {
            Lines arguments;
            std::string all = program.path;
            for (int n = random_up_to(6); n > 0; --n) {
                std::string word = "--" + any(options);
                if (one_in(4)) word.insert(word.begin() + random_up_to(3), any(bytes));
                if (one_in(4)) word = std::to_string(random_numbers());
                if (one_in(10)) word = std::string(5000, 'x');
                if (word.rfind("-h", 0) != 0) arguments.push_back(word);
                all += " " + printable(word.substr(0, 40));
            }
            INFO(all);
            // An option may take the first of them for its value, but not both.
            arguments.insert(arguments.end(), {"--no-such", "--no-such"});
            Process process(program.path, arguments);
            CHECK(process.wait() == 2);
            CHECK(process.output().empty());
            CHECK(lines_of(process.errors()).size() == 2);
            CHECK(counts.of(process.id()) == std::vector<int>{0, 0, 0, 0});
            counts.forget();
        }
    }
    std::printf("wrong arguments: %zu command lines\n",
                programs().size() * static_cast<size_t>(trials(200)));
}

TEST_CASE("soak: valgrind finds nothing in any program in any way of ending", "[soak]") {
    if (access("/usr/bin/valgrind", X_OK) == -1) {
        std::printf("valgrind: skipped, it is not installed\n");
        return;
    }
    int watched = 0;
    const auto ends_clean = [&watched](const Started& process, int expected) {
        ++watched;
        CHECK(process->wait(std::chrono::seconds(120)) == expected);
        CHECK(process->errors().find("==") == std::string::npos);  // how valgrind begins a line
    };
    const auto left_out = [] { return random_up_to(99) >= trials(100); };  // in a short run
    make_keys();
    const Folder folder;
    for (const auto& program : programs()) {
        INFO(program.path);
        if (left_out()) continue;
        ends_clean(start(program.path + " --help", folder, true), 0);
        ends_clean(start(program.path + " --no-such", folder, true), 2);
        if (program.endpoints.empty() || program.needs_keys()) continue;
        const auto& bad = program.binds() ? program.endpoints.front() : program.endpoints.back();
        ends_clean(start(program.path + " --" + bad.option + " nonsense", folder, true), 1);
    }
    for (const auto& [name, parts] : runs()) {
        if (parts.size() == 1) continue;  // more threads than valgrind takes
        for (size_t victim = 0; victim < parts.size(); ++victim) {  // Ctrl-C in traffic
            INFO(parts[victim].path);
            if (left_out()) continue;
            const Folder own;
            std::deque<Started> all;
            for (size_t i = 0; i < parts.size(); ++i)
                all.push_back(start(endless(parts[i]), own, i == victim));
            all[victim]->wait_for(" ");  // a line: of a message, or where it listens
            all[victim]->signal(SIGINT);
            ends_clean(all[victim], 128 + SIGINT);
        }
        if (left_out()) continue;
        const Folder own;
        std::deque<Started> all;  // at the end of their work
        for (const auto& part : parts)
            all.push_back(start(part.path + " " + part.arguments, own, true));
        for (const bool by_itself : {true, false})
            for (size_t i = 0; i < parts.size(); ++i) {
                INFO(parts[i].path << " " << parts[i].arguments);
                if (parts[i].summary.empty() == by_itself) continue;
                if (!by_itself) all[i]->signal(SIGINT);
                ends_clean(all[i], by_itself ? 0 : 128 + SIGINT);
            }
    }
    std::printf("valgrind: %d processes watched\n", watched);
}
