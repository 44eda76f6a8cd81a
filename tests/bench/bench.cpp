// Measures every pattern beside a bare loop of libzmq calls that does the same work (raw.cpp).
//
// usage: bench [--quick] [--write]
//   --quick  each kind of measure once, with few messages: are the counts right?
//   --write  puts tables and plots into docs/performance.md and docs/performance/
//
// Both sides are processes that are started alike and talk over the same transport. They take
// turns, A B A B ..., six times for one value of each, and that five times. A value of A and the
// one of B give a ratio; the table shows the median of the five, the smallest and the largest. What
// is timed is what the programs' own summaries say (--quiet): messages, and the time from the first
// to the last. Beside it stands the CPU time of all processes of a side, which depends less on what
// else the machine does. Results go to build/bench/*.tsv. The exit status says whether all counts
// were right, not how fast it was.
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "process.hpp"

namespace {

using Strings = std::vector<std::string>;

int wrong_counts = 0;

void wrong(const std::string& what) {
    std::fprintf(stderr, "bench: WRONG: %s\n", what.c_str());
    ++wrong_counts;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

Strings split(const std::string& text) {
    std::istringstream stream(text);
    Strings words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

Strings operator+(Strings a, const Strings& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Strings times(int n, const std::string& line) {
    return Strings(static_cast<size_t>(n), line);
}

std::string format(const char* how, double value) {
    char text[64];
    std::snprintf(text, sizeof text, how, value);
    return text;
}

/// Three digits are all that a measure is worth: 1.23 M, 45.6 k, 789, 3.21.
std::string rounded(double value) {
    const char* unit = value >= 999.5e3 ? " M" : value >= 999.5 ? " k" : "";
    const double shown = value >= 999.5e3 ? value / 1e6 : value >= 999.5 ? value / 1e3 : value;
    return format(shown >= 99.95 ? "%.0f" : shown >= 9.995 ? "%.1f" : "%.2f", shown) + unit;
}

// Running a cast
// -----------------------------------------------------------------------------------

/// Processes, started one after the other. A line is HOW PROGRAM ARGUMENT...:
///   HOW 0, 1 or 2: the program says so many endpoints, and the next one is not started before
///   then =: its summary counts; or -: it ends by itself; or nothing: it is killed in the end
/// In the arguments, * is any port, @0, @1 ... are the endpoints in the order they were said, and
/// "" is an empty argument.
class Cast {
 public:
    Process& start(const std::string& line) {
        Strings words = split(line);
        const std::string how = words[0], program = words[1];
        words.erase(words.begin(), words.begin() + 2);
        for (auto& word : words) {
            if (word == "*")
                word = any_port;
            else if (word == "\"\"")
                word.clear();
            else if (word[0] == '@')
                word = endpoints_.at(static_cast<size_t>(std::stoi(word.substr(1))));
        }
        Process& process = all_.emplace_back(program, words);
        for (int n = how[0] - '0'; n > 0; --n) endpoints_.push_back(process.endpoint());
        if (how.size() > 1) ending_.emplace_back(&process, how[1] == '=');
        return process;
    }
    Process& last() { return all_.back(); }
    /// Waits for those that end. Returns the sum of the rates that count, each of `expected`
    /// messages.
    double wait(std::int64_t expected) {
        double sum = 0;
        for (const auto& [process, counts] : ending_) {
            if (process->wait() != 0) wrong("exit status, after: " + process->output());
            if (!counts) continue;
            static const std::regex summary("(\\d+) .* in ([0-9.]+) s, \\d+/s");
            std::smatch match;
            const std::string line = process->last_line();
            if (!std::regex_match(line, match, summary) || std::stoll(match[1]) != expected)
                wrong(std::to_string(expected) + " expected: " + line);
            else
                sum += static_cast<double>(expected) / std::max(std::stod(match[2]), 1e-6);
        }
        return sum;
    }

 private:
    std::list<Process> all_;
    std::vector<std::pair<Process*, bool>> ending_;
    Strings endpoints_;
};

/// CPU time of all processes that were started here and have ended, in s.
double cpu_time() {
    rusage used{};
    getrusage(RUSAGE_CHILDREN, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// What is measured
// ---------------------------------------------------------------------------------

struct Side {
    std::string name;
    std::int64_t messages;
    std::function<double()> run;  // a rate
    // One for each turn: messages a second, or microseconds for each; CPU time, microseconds each.
    std::vector<double> values{}, cpus{};
};

/// Ratio of side `a` to side `b` times `factor`, and what it should be.
struct Compared {
    size_t a = 0, b = 0;
    double at_least = 0, at_most = 0;  // 0: nothing is asked
    double factor = 1;
};

struct Row {
    std::string group, what, unit;
    std::vector<Side> sides;
    std::vector<Compared> compared;
    std::string figure{};  // and where in it
    double x = 0;
    bool smoke = false;       // measured with --quick, too
    bool reciprocal = false;  // shown as microseconds for each
};

struct Ratio {
    const Row* row;
    Compared compared;
    double low, middle, high;
    double cpu;  // of the CPU times, the median of the five
    bool met() const {
        return (compared.at_least == 0 || middle >= compared.at_least) &&
               (compared.at_most == 0 || middle <= compared.at_most);
    }
    std::string target() const {
        if (compared.at_least > 0) return "at least " + format("%.2f", compared.at_least);
        if (compared.at_most > 0) return "at most " + format("%.2f", compared.at_most);
        return "";
    }
};

bool quick = false;
int turns = 5, rounds = 6;

/// A value of each side: the mean of several runs, in which the sides alternate.
void take_turn(Row& row) {
    std::vector<double> sums(row.sides.size()), cpus(row.sides.size());
    for (int n = 0; n < rounds; ++n)
        for (size_t i = 0; i < row.sides.size(); ++i) {
            const double before = cpu_time(), rate = row.sides[i].run();
            cpus[i] += cpu_time() - before;
            sums[i] += row.reciprocal ? 1e6 / rate : rate;
        }
    for (size_t i = 0; i < row.sides.size(); ++i) {
        row.sides[i].values.push_back(sums[i] / rounds);
        row.sides[i].cpus.push_back(cpus[i] * 1e6 / rounds /
                                    static_cast<double>(row.sides[i].messages));
    }
}

Ratio ratio_of(const Row& row, const Compared& compared) {
    const auto &a = row.sides[compared.a], &b = row.sides[compared.b];
    std::vector<double> values, cpus;
    for (size_t n = 0; n < a.values.size(); ++n) {
        values.push_back(a.values[n] / (b.values[n] * compared.factor));
        cpus.push_back(a.cpus[n] / b.cpus[n]);
    }
    return {&row,
            compared,
            *std::min_element(values.begin(), values.end()),
            median(values),
            *std::max_element(values.begin(), values.end()),
            median(cpus)};
}

/// How many messages: enough for some tenths of a second.
int many(int n) {
    return quick ? std::max(20, n / 200) : n;
}

const std::string raw = "tests/bench-raw ";

/// Two of these side by side are a row; `each` is how many messages each process that counts
/// counts.
Side side(std::string name, Strings lines, int each, int counting = 1) {
    return {std::move(name), std::int64_t{each} * counting, [lines = std::move(lines), each] {
                Cast cast;
                for (const auto& line : lines) cast.start(line);
                return cast.wait(each);
            }};
}

std::string s(int number) {
    return " " + std::to_string(number);
}

std::string several(int n, const std::string& what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

Side bare_tcp(int count) {
    return {"bare TCP", count, [count] {
                Process server("tests/bench-raw", {"tcp-server"});
                Process client("tests/bench-raw",
                               {"tcp-client", server.endpoint(), std::to_string(count)});
                if (client.wait() != 0) wrong("bare TCP: " + client.errors());
                const std::string last = client.last_line();
                return count / std::stod(last.substr(last.find(" in ") + 4));
            }};
}

void round_trips(std::vector<Row>& all) {
    const int n = many(6000);
    const std::string raw_server = "1 " + raw + "rep *",
                      server = "1 req-rep/server --quiet --bind *",
                      hello = "0= " + raw + "req @0" + s(n) + " 5 0",
                      with_lines = "0= " + raw + "req @0" + s(n) + " 5 1";
    all.push_back(
        {.group = "req-rep",
         .what = "one client",
         .unit = "round trip",
         .sides = {side("program",
                        {server, "0= req-rep/client --quiet --connect @0 --count" + s(n)}, n),
                   side("raw REQ and REP", {raw_server, hello}, n), bare_tcp(n),
                   side("raw, a line for each reply", {raw_server, with_lines}, n)},
         .compared = {{.a = 0, .b = 1, .at_most = 1.05}, {.a = 0, .b = 2}, {.a = 3, .b = 1}},
         .smoke = true,
         .reciprocal = true});
    for (const int size : {1, 100, 10000, 1000000}) {
        const int few = many(size > 100000 ? 300 : 4000);
        const std::string client = "0= " + raw + "req @0" + s(few) + s(size) + " 0";
        all.push_back({.group = "req-rep",
                       .what = "requests of " + rounded(size) + "B",
                       .unit = "round trip",
                       .sides = {side("program's server", {server, client}, few),
                                 side("raw REP", {raw_server, client}, few)},
                       .compared = {{.a = 0, .b = 1, .at_most = 1.05}},
                       .reciprocal = true});
    }
    all.push_back({.group = "interrupt",
                   .what = "one client",
                   .unit = "round trip",
                   .sides = {side("program", {"1 interrupt/server --quiet --bind *", hello}, n),
                             side("raw REP", {raw_server, hello}, n)},
                   .compared = {{.a = 0, .b = 1, .at_most = 1.05}},
                   .smoke = true,
                   .reciprocal = true});
}

/// The rate is that of the sinker, from the first result to the last. The loop that does the same
/// work reads what the pattern needs to read: push-pull's sinker ticks off the number of each
/// result, push-pull2's worker also chooses by it where the result goes. The other one only passes
/// on.
void pipelines(std::vector<Row>& all) {
    const int n = many(1500000);
    for (const int workers : {1, 2, 4, 8}) {
        const auto bare = [&](const char* name, const std::string& sinker,
                              const std::string& worker, const std::string& sender) {
            return side(name,
                        Strings{"1= " + raw + sinker + " *" + s(n),
                                "1- " + raw + "sender *" + s(n) + s(workers) + sender} +
                            times(workers, "0 " + raw + worker + " @1 @0"),
                        n);
        };
        const std::string batch =
            " --quiet --bind * --sink @0 --count" + s(n) + " --workers" + s(workers);
        const auto add = [&](const std::string& pattern, const Strings& program, Side same_work,
                             Side no_reading) {
            all.push_back({.group = pattern,
                           .what = several(workers, "worker"),
                           .unit = "tasks",
                           .sides = {side("program", program, n), std::move(same_work),
                                     std::move(no_reading)},
                           .compared = {{.a = 0, .b = 1, .at_least = 0.95},
                                        {.a = 0, .b = 2},
                                        {.a = 1, .b = 2}},
                           .figure = pattern,
                           .x = static_cast<double>(workers),
                           .smoke = workers == 2});
        };
        add("push-pull",
            Strings{"1= push-pull/sinker --quiet --bind *", "1- push-pull/sender" + batch} +
                times(workers, "0 push-pull/worker --quiet --connect @1 --sink @0"),
            bare("raw two hops, results ticked off", "reading-sinker", "worker", ""),
            bare("raw two hops, nothing read", "sinker", "worker", ""));
        add("push-pull2",
            Strings{"2= push-pull2/sinker --quiet --bind * --control * --senders 1",
                    "1- push-pull2/sender" + batch} +
                times(workers, "0- push-pull2/worker --quiet --connect @2 --sink @0 --control @1"),
            bare("raw two hops, numbers read", "reading-sinker", "reading-worker", " a"),
            bare("raw two hops, nothing read", "sinker", "worker", " a"));
    }
}

/// The rate is the sum of the subscribers' rates.
void publishing(std::vector<Row>& all) {
    const auto add = [&all](const std::string& group, const std::string& what, Side program,
                            Side bare, bool smoke) -> Row& {
        all.push_back({.group = group,
                       .what = what,
                       .unit = "deliveries",
                       .sides = {std::move(program), std::move(bare)},
                       .compared = {{.a = 0, .b = 1, .at_least = 0.95}},
                       .smoke = smoke});
        return all.back();
    };
    for (const int subscribers : {1, 5, 10, 20}) {
        const int n = many(800000 / (subscribers + 1));
        auto& row = add(
            "pub-sub", several(subscribers, "subscriber"),
            side(
                "program",
                Strings{"1 pub-sub/publisher --quiet --bind * --to sub1 --interval 0"} +
                    times(subscribers, "0= pub-sub/subscriber --quiet --connect @0 --count" + s(n)),
                n, subscribers),
            side("raw PUB and SUB",
                 Strings{"1 " + raw + "pub * 16 1"} +
                     times(subscribers, "0= " + raw + "sub @0" + s(n)),
                 n, subscribers),
            subscribers == 5);
        row.figure = "pub-sub";
        row.x = subscribers;
    }
    for (const int size : {1, 100, 10000}) {
        const int n = many(size > 1000 ? 40000 : 500000);
        const std::string publisher = "1 " + raw + "pub *" + s(size) + " 1";
        add("pub-sub", "messages of " + rounded(size) + "B",
            side("program's subscriber",
                 {publisher, "0= pub-sub/subscriber --quiet --connect @0 --name s --count" + s(n)},
                 n),
            side("raw SUB", {publisher, "0= " + raw + "sub @0" + s(n)}, n), false);
    }
    const int n = many(400000);
    add("pub-sub-envelope", "1 subscriber",
        side("program",
             {"1 pub-sub-envelope/publisher --quiet --bind * --interval 0",
              "0= pub-sub-envelope/subscriber --quiet --connect @0 --key \"\" --count" + s(n)},
             n),
        side("raw PUB and SUB", {"1 " + raw + "pub * 16 2", "0= " + raw + "sub @0" + s(n)}, n),
        true);
}

void synchronised(std::vector<Row>& all) {
    for (const int subscribers : {1, 5, 10, 20}) {
        const int n = many(3000000 / (subscribers + 2));
        const auto bare = [&](const std::string& name, int threads, int limit, int copies) {
            return side(
                name,
                Strings{"1- " + raw + "publish *" + s(subscribers) + s(n) + s(threads) + s(limit)} +
                    times(subscribers, "0= " + raw + "updates @0" + s(copies) + " 1"),
                n, subscribers);
        };
        all.push_back(
            {.group = "sync-pub-sub",
             .what = several(subscribers, "subscriber"),
             .unit = "deliveries",
             .sides = {side("program",
                            Strings{"2- sync-pub-sub/publisher --quiet --bind * --sync *"
                                    " --subscribers" +
                                    s(subscribers) + " --count" + s(n)} +
                                times(subscribers,
                                      "0= sync-pub-sub/subscriber --quiet --connect @0 --sync @1"),
                            n, subscribers),
                       bare("raw XPUB and SUB", 1, 0, 0)},
             .compared = {{.a = 0, .b = 1, .at_least = 0.95}},
             .figure = "sync-pub-sub",
             .x = static_cast<double>(subscribers),
             .smoke = subscribers == 5});
        if (subscribers != 10) continue;
        auto& row = all.back();
        row.sides.push_back(bare("naive: a new message and a heap string each", 1, 0, 1));
        row.sides.push_back(bare("raw, a second I/O thread", 2, 0, 0));
        row.sides.push_back(bare("raw, high-water mark 1000", 1, 1000, 0));
        row.compared.push_back({.a = 0, .b = 2, .at_least = 1.1});
        for (const auto& [a, b] : {std::pair{1, 2}, {3, 1}, {4, 1}})
            row.compared.push_back({.a = static_cast<size_t>(a), .b = static_cast<size_t>(b)});
    }
}

/// Under a load that keeps many requests in flight; the rate is that of the replies.
void proxies(std::vector<Row>& all) {
    const auto loaded = [](const std::string& name, const std::string& proxy, int clients,
                           int flight, int n, int size) {
        return side(name,
                    {"2 " + proxy, "0 " + raw + "echo @1",
                     "0= " + raw + "flood @0" + s(clients) + s(flight) + s(n) + s(size)},
                    n);
    };
    const std::string own = "ex-req-rep/proxy --quiet --frontend * --backend *",
                      builtin = "ex-req-rep2/proxy --quiet --frontend * --backend *",
                      own_name = "program's own loop", builtin_name = "ex-req-rep2 (zmq_proxy)";
    for (const int clients : {1, 8, 64}) {
        // 400 over all: with more than its high-water mark allows for one client a ROUTER drops.
        const int n = many(200000), flight = 400;
        all.push_back(
            {.group = "ex-req-rep",
             .what = several(clients, "client") + ", 400 in flight",
             .unit = "requests",
             .sides = {loaded(own_name, own, clients, flight, n, 5),
                       loaded(builtin_name, builtin, clients, flight, n, 5),
                       loaded("one message for each poll", raw + "one-by-one * *", clients, flight,
                              n, 5),
                       loaded("raw zmq_proxy", raw + "bare-proxy * *", clients, flight, n, 5)},
             .compared = {{.a = 0, .b = 1, .at_least = 1.0},
                          {.a = 0, .b = 2, .at_least = 1.6},
                          {.a = 1, .b = 3, .at_least = 0.95}},
             .figure = "proxies",
             .x = static_cast<double>(clients),
             .smoke = clients == 8});
    }
    for (const int size : {1, 100, 10000, 1000000}) {
        const int n = many(size > 100000 ? 400 : size > 1000 ? 20000 : 80000);
        const int flight = size > 100000 ? 8 : size > 1000 ? 100 : 400;
        all.push_back({.group = "ex-req-rep",
                       .what = "8 clients, bodies of " + rounded(size) + "B",
                       .unit = "requests",
                       .sides = {loaded(own_name, own, 8, flight, n, size),
                                 loaded(builtin_name, builtin, 8, flight, n, size)},
                       .compared = {{.a = 0, .b = 1, .at_least = 1.0}}});
    }
}

void threads(std::vector<Row>& all) {
    Row linear{.group = "mt-req-rep",
               .what = "1 ms of work for each request",
               .unit = "replies",
               .sides = {},
               .compared = {},
               .figure = "work",
               .smoke = true};
    for (const int threads : {1, 2, 4, 8, 16}) {
        // More clients than threads: each thread has a request waiting when it is done.
        const int clients = 2 * threads, n = many(150);
        linear.sides.push_back(
            side(several(threads, "thread"),
                 {"1 mt-req-rep/server --quiet --bind * --work 1 --workers" + s(threads),
                  "0= mt-req-rep/client --quiet --connect @0 --clients" + s(clients) + " --count" +
                      s(n)},
                 clients * n));
        if (threads > 1)
            linear.compared.push_back({.a = linear.sides.size() - 1,
                                       .b = 0,
                                       .at_least = 0.95,
                                       .factor = static_cast<double>(threads)});
    }
    all.push_back(std::move(linear));
    for (const int threads : {1, 2, 4, 8, 16}) {
        const int clients = 8, n = many(1200);
        all.push_back(
            {.group = "mt-req-rep",
             .what = several(threads, "thread") + ", no work",
             .unit = "replies",
             .sides = {side("program",
                            {"1 mt-req-rep/server --quiet --bind * --workers" + s(threads),
                             "0= mt-req-rep/client --quiet --connect @0 --clients" + s(clients) +
                                 " --count" + s(n)},
                            clients * n),
                       side("raw",
                            {"1 " + raw + "mt-server *" + s(threads),
                             "0= " + raw + "mt-client @0" + s(clients) + s(n)},
                            clients * n)},
             .compared = {{.a = 0, .b = 1, .at_least = 0.95}},
             .figure = "threads",
             .x = static_cast<double>(threads),
             .smoke = threads == 2});
    }
    all.push_back({.group = "mt-ready",
                   .what = "500 steps",
                   .unit = "steps",
                   .sides = {side("program", {"0= mt-ready/steps --quiet --steps 500"}, 500),
                             side("raw PAIR and threads", {"0= " + raw + "steps 500"}, 500)},
                   .compared = {{.a = 0, .b = 1, .at_least = 0.95}},
                   .smoke = true});
}

std::vector<Row> rows() {
    std::vector<Row> all;
    for (const auto add : {round_trips, pipelines, publishing, synchronised, proxies, threads})
        add(all);
    return all;
}

/// Nothing is lost where subscribers can keep up: ten of them, 20,000 messages a second.
void count_published() {
    const int count = many(10000), names = 20;
    Strings arguments = split("--quiet --interval 1 --bind " + any_port);
    for (int n = 0; n < names; ++n) arguments = arguments + Strings{"--to", "sub1"};
    Process publisher("pub-sub/publisher", arguments);
    const std::string at = publisher.endpoint();
    std::list<Process> subscribers;
    for (int n = 0; n < 10; ++n)
        subscribers.emplace_back("pub-sub/subscriber",
                                 Strings{"--connect", at, "--count", std::to_string(count)});
    int lost = 0;
    for (auto& subscriber : subscribers) {
        if (subscriber.wait() != 0) wrong("pub-sub: exit status");
        std::map<std::int64_t, int> published;
        for (const auto& line : subscriber.lines())
            if (line.rfind("received sub1: news ", 0) == 0)
                ++published[std::stoll(line.substr(20))];
        if (published.empty()) {
            wrong("pub-sub: nothing received");
            continue;
        }
        // The first round and the last one are not whole; all between them are there, and whole.
        const auto first = published.begin()->first, last = published.rbegin()->first;
        for (auto round = first + 1; round < last; ++round) lost += names - published[round];
    }
    std::printf("pub-sub, 10 subscribers, 20 messages each millisecond: %d lost\n", lost);
    if (lost != 0) wrong("pub-sub: lost " + std::to_string(lost));
}

// Starting and ending
// ------------------------------------------------------------------------------

struct Life {
    explicit Life(std::string name) : program(std::move(name)) {}
    std::string program;
    std::vector<double> first, end, memory;  // ms, ms, kB
};

/// One program from its start to its first message, and from Ctrl-C to its end. Lines as above; the
/// one of the program has a ! in front. The first message is a line with `part` on its standard
/// output, or on that of the last process of the cast where `elsewhere`.
void live(Life& life, const Strings& lines, const std::string& part, bool elsewhere) {
    using Now = std::chrono::steady_clock;
    const auto since = [](Now::time_point then) {
        return std::chrono::duration<double, std::milli>(Now::now() - then).count();
    };
    Cast cast;
    Process* it = nullptr;
    Now::time_point start;
    for (const auto& line : lines) {
        if (line[0] == '!') {
            start = Now::now();
            it = &cast.start(line.substr(1));
        } else {
            cast.start(line);
        }
    }
    (elsewhere ? cast.last() : *it).wait_for(part);
    life.first.push_back(since(start));
    std::ifstream status("/proc/" + std::to_string(it->id()) + "/status");
    for (std::string word; status >> word;)
        if (word == "VmHWM:" && status >> word) life.memory.push_back(std::stod(word));
    start = Now::now();
    const int result = it->stop(SIGINT);
    life.end.push_back(since(start));
    if (result != 0 && result != 128 + SIGINT)
        wrong(life.program + ": exit status " + std::to_string(result) + " after Ctrl-C");
}

std::vector<Life> lives() {
    struct Stage {
        Strings lines;
        std::string part;
        bool elsewhere = false;
    };
    const std::string task_sender = "push-pull/sender --bind * --sink @0 --count ",
                      task_sender2 = "push-pull2/sender --bind * --sink @0 --count ",
                      worker2 = "push-pull2/worker --connect @2 --sink @0 --control @1",
                      sinker2 = "push-pull2/sinker --bind * --control * --senders 1",
                      worker = "push-pull/worker --connect @1 --sink @0",
                      client = "ex-req-rep/client --connect @0 --count 0",
                      server = "ex-req-rep/server --connect @1", quiet = " --quiet";
    const std::vector<Stage> stages = {
        {{"!1 req-rep/server --bind *", "0 req-rep/client --connect @0 --count 0 --quiet"},
         "received"},
        {{"1 req-rep/server --bind * --quiet", "!0 req-rep/client --connect @0 --count 0"},
         "received"},
        {{"!1 pub-sub/publisher --bind *"}, "published"},
        {{"1 pub-sub/publisher --bind * --interval 1 --quiet",
          "!0 pub-sub/subscriber --connect @0 --count 0"},
         "received"},
        {{"1 push-pull/sinker --bind * --quiet", "!1 " + task_sender + "0", "0 " + worker + quiet},
         "task"},
        {{"1 push-pull/sinker --bind * --quiet", "1 " + task_sender + "1000 --quiet",
          "!0 " + worker},
         "task"},
        {{"!1 push-pull/sinker --bind *", "1 " + task_sender + "0 --quiet",
          "0 " + worker + " --work 1 --quiet"},
         "result"},
        {{"2 " + sinker2 + quiet, "!1 " + task_sender2 + "0", "0 " + worker2 + quiet}, "task"},
        {{"2 " + sinker2 + quiet, "1 " + task_sender2 + "100000 --quiet",
          "!0 " + worker2 + " --work 1"},
         "task a"},
        {{"!2 " + sinker2, "1 " + task_sender2 + "0 --quiet", "0 " + worker2 + " --work 1 --quiet"},
         "result"},
        {{"!2 ex-req-rep/proxy --frontend * --backend *", "0 " + server + quiet,
          "0 " + client + quiet},
         "request"},
        {{"2 ex-req-rep/proxy --frontend * --backend * --quiet", "!0 " + server,
          "0 " + client + quiet},
         "answers"},
        {{"2 ex-req-rep/proxy --frontend * --backend * --quiet", "0 " + server + quiet,
          "!0 " + client},
         "received"},
        {{"!2 ex-req-rep2/proxy --frontend * --backend *", "0 " + server + quiet, "0 " + client},
         "received",
         true},
        {{"!1 interrupt/server --bind *", "0 req-rep/client --connect @0 --count 0 --quiet"},
         "received"},
        {{"!1 mt-req-rep/server --bind *", "0 mt-req-rep/client --connect @0 --count 0 --quiet"},
         "received"},
        {{"1 mt-req-rep/server --bind * --quiet", "!0 mt-req-rep/client --connect @0 --count 0"},
         "received"},
        {{"!0 mt-ready/steps --steps 100"}, "step"},
        {{"!2 sync-pub-sub/publisher --bind * --sync * --subscribers 1 --count 0",
          "0 sync-pub-sub/subscriber --connect @0 --sync @1 --quiet"},
         "published"},
        {{"2 sync-pub-sub/publisher --bind * --sync * --subscribers 1 --count 0 --quiet",
          "!0 sync-pub-sub/subscriber --connect @0 --sync @1"},
         "received"},
        {{"!1 pub-sub-envelope/publisher --bind *"}, "published"},
        {{"1 pub-sub-envelope/publisher --bind * --interval 1 --quiet",
          "!0 pub-sub-envelope/subscriber --connect @0 --count 0"},
         "received"},
    };
    std::vector<Life> all;
    for (const auto& [lines, part, elsewhere] : stages) {
        for (const auto& line : lines)
            if (line[0] == '!') all.emplace_back(split(line)[1]);
        for (int round = 0; round < turns; ++round) live(all.back(), lines, part, elsewhere);
    }
    return all;
}

// Tables, files, plots
// -----------------------------------------------------------------------------

std::string shown(const Row& row, const Side& side) {
    const double value = median(side.values);
    return row.reciprocal ? rounded(value) + " µs" : rounded(value) + "/s";
}

std::string ratio_table(const std::vector<Ratio>& ratios) {
    std::string table =
        "| pattern | what | this | beside | ratio, median (min to max) | asked for | CPU time |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n";
    for (const auto& ratio : ratios) {
        const auto& row = *ratio.row;
        const auto &a = row.sides[ratio.compared.a], &b = row.sides[ratio.compared.b];
        const std::string factor =
            ratio.compared.factor == 1 ? "" : format("%.0f times ", ratio.compared.factor);
        const std::string middle = format("%.2f", ratio.middle);
        table += "| " + row.group + " | " + row.what + ", " + row.unit + " | " + a.name + ": " +
                 shown(row, a) + " | " + factor + b.name + ": " + shown(row, b) + " | " +
                 (ratio.met() ? middle : "**" + middle + " falls short**") +
                 format(" (%.2f to ", ratio.low) + format("%.2f) | ", ratio.high) + ratio.target() +
                 " | " + format("%.2f", ratio.cpu) + " |\n";
    }
    return table;
}

std::string life_table(const std::vector<Life>& all) {
    std::string table =
        "| program | start to first message | Ctrl-C to the end, median (max) | peak memory |\n"
        "| --- | --- | --- | --- |\n";
    for (const auto& life : all) {
        const double end = median(life.end);
        table += "| " + life.program + " | " + rounded(median(life.first)) + " ms | " +
                 (end < 20 ? rounded(end) : "**" + rounded(end) + " is too long**") + " ms (" +
                 rounded(*std::max_element(life.end.begin(), life.end.end())) + " ms) | " +
                 (life.memory.empty() ? "" : rounded(median(life.memory) / 1024) + " MB") + " |\n";
    }
    return table;
}

std::string machine() {
    std::string processor = "unknown processor";
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0) processor = line.substr(line.find(':') + 2);
    utsname system{};
    uname(&system);
    double load[3] = {};
    const bool known = getloadavg(load, 3) == 3;
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    char day[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(day, sizeof day, "%Y-%m-%d", std::gmtime(&now));
    std::ostringstream text;
    text << "Measured on " << day << ": " << std::thread::hardware_concurrency() << " cores of "
         << processor << ", shared with other work (load "
         << (known ? format("%.1f", load[2]) : "unknown")
         << " over the last 15 minutes, this bench included), " << system.sysname << " "
         << system.release << ", libzmq " << major << "." << minor << "." << patch << ", compiler "
         << __VERSION__ << ", Release.\n";
    return text.str();
}

void write_results(const std::string& folder, const std::vector<Row>& all,
                   const std::vector<Ratio>& ratios, const std::vector<Life>& life) {
    std::filesystem::create_directories(folder);
    std::ofstream runs(folder + "/runs.tsv");
    runs << "pattern\twhat\tside\tturn\tvalue\tunit\tCPU us each\n";
    std::map<std::string, std::map<double, const Row*>> figures;
    for (const auto& row : all) {
        for (const auto& side : row.sides)
            for (size_t i = 0; i < side.values.size(); ++i)
                runs << row.group << '\t' << row.what << '\t' << side.name << '\t' << i + 1 << '\t'
                     << side.values[i] << '\t'
                     << (row.reciprocal ? "us/" + row.unit : row.unit + "/s") << '\t'
                     << side.cpus[i] << '\n';
        if (!row.figure.empty()) figures[row.figure][row.x] = &row;
    }
    std::ofstream compared(folder + "/ratios.tsv");
    compared << "pattern\twhat\tthis\tbeside\tfactor\tmedian\tmin\tmax\ttarget\tmet\tCPU\n";
    for (const auto& ratio : ratios)
        compared << ratio.row->group << '\t' << ratio.row->what << '\t'
                 << ratio.row->sides[ratio.compared.a].name << '\t'
                 << ratio.row->sides[ratio.compared.b].name << '\t' << ratio.compared.factor << '\t'
                 << ratio.middle << '\t' << ratio.low << '\t' << ratio.high << '\t'
                 << ratio.target() << '\t' << (ratio.met() ? "yes" : "no") << '\t' << ratio.cpu
                 << '\n';
    std::ofstream ends(folder + "/programs.tsv");
    ends << "program\tfirst message ms\tCtrl-C to end ms\tpeak memory kB\n";
    for (const auto& one : life)
        ends << one.program << '\t' << median(one.first) << '\t' << median(one.end) << '\t'
             << median(one.memory) << '\n';
    // For the plots: x and the median of each side.
    for (const auto& [name, points] : figures) {
        std::ofstream file(folder + "/plot-" + name + ".tsv");
        if (points.size() == 1 && points.begin()->first == 0) {  // the sides are the points
            file << "threads\tprogram\tlinear\n";
            const auto& sides = points.begin()->second->sides;
            for (const auto& side : sides)
                file << std::stoi(side.name) << '\t' << median(side.values) << '\t'
                     << std::stoi(side.name) * median(sides[0].values) << '\n';
            continue;
        }
        const size_t columns = std::min_element(points.begin(), points.end(), [](auto& a, auto& b) {
                                   return a.second->sides.size() < b.second->sides.size();
                               })->second->sides.size();
        file << "x";
        for (size_t i = 0; i < columns; ++i) file << '\t' << points.begin()->second->sides[i].name;
        file << '\n';
        for (const auto& [x, row] : points) {
            file << x;
            for (size_t i = 0; i < columns; ++i) file << '\t' << median(row->sides[i].values);
            file << '\n';
        }
    }
}

/// Puts `text` between the two marks that the page has for it.
void replace_part(std::string& page, const std::string& name, const std::string& text) {
    const std::string begin = "<!-- begin " + name + " -->\n", end = "<!-- end " + name + " -->";
    const size_t from = page.find(begin), to = page.find(end);
    if (from == std::string::npos || to == std::string::npos)
        throw std::runtime_error("docs/performance.md has no marks for " + name);
    page.replace(from + begin.size(), to - from - begin.size(), "\n" + text + "\n");
}

bool plot(const std::string& results, const std::string& pictures) {
    std::filesystem::create_directories(pictures);
    return std::system(("gnuplot -e \"results='" + results + "'; pictures='" + pictures + "'\" '" +
                        SOURCE_DIR + "/tests/bench/plots.gp'")
                           .c_str()) == 0;
}

}  // namespace

int main(int argc, char** argv) try {
    bool write = false;
    std::string only;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--quick") {
            quick = true;
            turns = rounds = 1;
        } else if (word == "--write") {
            write = true;
        } else if (word == "--only" && i + 1 < argc) {
            only = argv[++i];
        } else {
            std::fprintf(stderr, "usage: bench [--quick] [--write] [--only PATTERN]\n");
            return 2;
        }
    }
    if (write && (quick || !only.empty())) {
        std::fprintf(stderr, "bench: --write: what is published is measured in full\n");
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);

    std::vector<Row> all;
    for (auto& row : rows())
        if ((!quick || row.smoke) && (only.empty() || only == row.group)) all.push_back(row);
    std::vector<Ratio> ratios;
    for (size_t i = 0; i < all.size(); ++i) {
        auto& row = all[i];
        for (int n = 0; n < turns; ++n) take_turn(row);
        std::printf("[%zu/%zu] %s, %s:", i + 1, all.size(), row.group.c_str(), row.what.c_str());
        for (const auto& compared : row.compared) {
            ratios.push_back(ratio_of(row, compared));
            if (!quick)
                std::printf(" %.2f%s", ratios.back().middle, ratios.back().met() ? "" : "!");
        }
        std::printf("\n");
    }
    std::vector<Life> life;
    if (only.empty()) {
        count_published();
        std::printf("start and end of each program ...\n");
        life = lives();
    }

    const std::string results = BINARY_DIR "/bench";
    if (!quick) {
        write_results(results, all, ratios, life);
        std::printf("\n%s\n%s\n%s", machine().c_str(), ratio_table(ratios).c_str(),
                    life_table(life).c_str());
    }
    if (!quick && only.empty()) {
        const std::string pictures = write ? SOURCE_DIR "/docs/performance" : results;
        if (!plot(results, pictures)) std::printf("no plots: gnuplot is missing or has failed\n");
    }
    if (write) {
        const std::string path = SOURCE_DIR "/docs/performance.md";
        std::string page = read_file(path);
        replace_part(page, "machine", machine());
        replace_part(page, "ratios", ratio_table(ratios));
        replace_part(page, "programs", life_table(life));
        std::ofstream(path) << page;
        std::printf("written: %s\n", path.c_str());
    }
    if (wrong_counts > 0) std::fprintf(stderr, "bench: %d counts were wrong\n", wrong_counts);
    return wrong_counts == 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
}
