// Measures every pattern beside a bare loop of libzmq calls that does the same work (raw.cpp).
//
// usage: bench [--quick] [--write]
//   --quick  each kind of measure once, with few messages: are the counts right?
//   --write  puts tables and plots into docs/performance.md and docs/performance/
//
// Both sides are processes that are started alike and talk over the same transport. They take
// turns, A B A B ..., five times; each turn gives one ratio, and the table shows the median of the
// five, with the smallest and the largest. What is timed is what the programs' own summaries say
// (--quiet): messages, and the time from the first to the last. Results go to build/bench/*.tsv.
// The exit status says whether all counts were right, not how fast it was.
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

/// The processes of a cast, started one after the other. A line is HOW PROGRAM ARGUMENT...:
///   HOW 1 or 2: the program says so many endpoints, and the next one is not started before
///   HOW =: its summary counts; HOW -: it ends by itself; HOW .: neither
/// In the arguments, * is any port, and @0, @1 ... are the endpoints in the order they were said.
/// Waits for those that end, then kills the others. Returns the sum of the rates that count.
double run_cast(const Strings& lines, std::int64_t expected) {
    std::list<Process> all;
    std::vector<std::pair<std::string, Process*>> ending;
    Strings endpoints;
    for (const auto& line : lines) {
        Strings words = split(line);
        const std::string how = words[0], program = words[1];
        words.erase(words.begin(), words.begin() + 2);
        for (auto& word : words) {
            if (word == "*") word = any_port;
            if (word[0] == '@') word = endpoints.at(static_cast<size_t>(std::stoi(word.substr(1))));
        }
        Process& process = all.emplace_back(program, words);
        if (how == "=" || how == "-") ending.emplace_back(how, &process);
        // A number may be followed by =: it binds and its summary counts.
        if (std::isdigit(static_cast<unsigned char>(how[0])) != 0)
            for (int n = how[0] - '0'; n > 0; --n) endpoints.push_back(process.endpoint());
        if (how.size() > 1) ending.emplace_back(how.substr(1), &process);
    }
    double sum = 0;
    for (const auto& [how, process] : ending) {
        if (process->wait() != 0) wrong(lines.back() + ": exit status of " + process->output());
        if (how != "=") continue;
        static const std::regex summary("(\\d+) .* in ([0-9.]+) s, \\d+/s");
        std::smatch match;
        const std::string last = process->last_line();
        if (!std::regex_match(last, match, summary) || std::stoll(match[1]) != expected)
            wrong(lines.back() + ": " + std::to_string(expected) + " expected: " + last);
        else
            sum += static_cast<double>(expected) / std::max(std::stod(match[2]), 1e-6);
    }
    return sum;
}

// What is measured
// ---------------------------------------------------------------------------------

struct Side {
    std::string name;
    std::function<double()> run;  // a rate
    std::vector<double> values{};
};

/// Ratio of side `a` to side `b` times `factor`, and what it should be.
struct Compared {
    size_t a, b;
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

/// How many messages: enough for a few tenths of a second.
int many(int n) {
    return quick ? std::max(20, n / 500) : n;
}

const std::string raw = "tests/bench-raw ";

std::function<double()> cast(Strings lines, std::int64_t expected) {
    return [lines = std::move(lines), expected] { return run_cast(lines, expected); };
}

std::vector<Row> rows() {
    std::vector<Row> all;
    const auto n = [](int count) { return " " + std::to_string(many(count)); };
    const auto s = [](int number) { return " " + std::to_string(number); };

    // Round trips
    {
        const int count = 15000;
        const Strings raw_pair{"1 " + raw + "rep *", "= " + raw + "req @0" + n(count) + " 5"};
        all.push_back(
            {"req-rep",
             "one client",
             "round trip",
             {{"program", cast({"1 req-rep/server --quiet --bind *",
                                "= req-rep/client --quiet --connect @0 --count" + n(count)},
                               many(count))},
              {"raw REQ and REP", cast(raw_pair, many(count))},
              {"bare TCP",
               [=] {
                   Process server("tests/bench-raw", {"tcp-server"});
                   Process client("tests/bench-raw",
                                  {"tcp-client", server.endpoint(), std::to_string(many(count))});
                   if (client.wait() != 0) wrong("bare TCP");
                   const std::string last = client.last_line();
                   return many(count) / std::stod(last.substr(last.find(" in ") + 4));
               }}},
             {{0, 1, 0, 1.05}, {0, 2}}});
        all.back().smoke = true;
        all.back().reciprocal = true;
        for (const int size : {1, 100, 10000, 1000000}) {
            const int fewer = size > 100000 ? 400 : size > 1000 ? 8000 : 10000;
            const std::string client = "= " + raw + "req @0" + n(fewer) + s(size);
            all.push_back({"req-rep",
                           "requests of " + rounded(size) + "B",
                           "round trip",
                           {{"program's server",
                             cast({"1 req-rep/server --quiet --bind *", client}, many(fewer))},
                            {"raw REP", cast({"1 " + raw + "rep *", client}, many(fewer))}},
                           {{0, 1, 0, 1.05}}});
            all.back().reciprocal = true;
        }
        all.push_back({"interrupt",
                       "one client",
                       "round trip",
                       {{"program", cast({"1 interrupt/server --quiet --bind *",
                                          "= " + raw + "req @0" + n(count) + " 5"},
                                         many(count))},
                        {"raw REP", cast(raw_pair, many(count))}},
                       {{0, 1, 0, 1.05}}});
        all.back().smoke = all.back().reciprocal = true;
    }

    // Pipelines: the rate is that of the sinker, from the first result to the last.
    for (const int workers : {1, 2, 4, 8}) {
        const int count = 500000;
        const Side two_hops{"raw two hops",
                            cast(Strings{"1= " + raw + "sinker *" + n(count),
                                         "1- " + raw + "sender *" + n(count) + s(workers)} +
                                     times(workers, ". " + raw + "worker @1 @0"),
                                 many(count))};
        const std::string what = s(workers).substr(1) + (workers == 1 ? " worker" : " workers");
        all.push_back(
            {"push-pull",
             what,
             "tasks",
             {{"program",
               cast(Strings{"1= push-pull/sinker --quiet --bind *",
                            "1- push-pull/sender --quiet --bind * --sink @0 --count" + n(count) +
                                " --workers" + s(workers)} +
                        times(workers, ". push-pull/worker --quiet --connect @1 --sink @0"),
                    many(count))},
              two_hops},
             {{0, 1, 0.95}},
             "push-pull",
             static_cast<double>(workers),
             workers == 2});
        all.push_back(
            {"push-pull2",
             what,
             "tasks",
             {{"program",
               cast(Strings{"2= push-pull2/sinker --quiet --bind * --control * --senders 1",
                            "1- push-pull2/sender --quiet --bind * --sink @0 --count" + n(count) +
                                " --workers" + s(workers)} +
                        times(workers,
                              "- push-pull2/worker --quiet --connect @2 --sink @0 --control @1"),
                    many(count))},
              two_hops},
             {{0, 1, 0.95}},
             "push-pull2",
             static_cast<double>(workers),
             workers == 2});
    }

    // Publishing: the rate is the sum of the subscribers' rates.
    for (const int subscribers : {1, 5, 10, 20}) {
        const int count = 600000 / subscribers;
        all.push_back(
            {"pub-sub",
             s(subscribers).substr(1) + (subscribers == 1 ? " subscriber" : " subscribers"),
             "deliveries",
             {{"program",
               cast(Strings{"1 pub-sub/publisher --quiet --bind * --to sub1 --interval 0"} +
                        times(subscribers,
                              "= pub-sub/subscriber --quiet --connect @0 --count" + n(count)),
                    many(count))},
              {"raw PUB and SUB", cast(Strings{"1 " + raw + "pub * 16 1"} +
                                           times(subscribers, "= " + raw + "sub @0" + n(count)),
                                       many(count))}},
             {{0, 1, 0.95}},
             "pub-sub",
             static_cast<double>(subscribers),
             subscribers == 5});
    }
    for (const int size : {1, 100, 10000}) {
        const int count = size > 1000 ? 40000 : 500000;
        const std::string publisher = "1 " + raw + "pub *" + s(size) + " 1";
        all.push_back(
            {"pub-sub",
             "messages of " + rounded(size) + "B",
             "deliveries",
             {{"program's subscriber",
               cast({publisher,
                     "= pub-sub/subscriber --quiet --connect @0 --name s --count" + n(count)},
                    many(count))},
              {"raw SUB", cast({publisher, "= " + raw + "sub @0" + n(count)}, many(count))}},
             {{0, 1, 0.95}}});
    }
    {
        const int count = 500000;
        all.push_back(
            {"pub-sub-envelope",
             "1 subscriber",
             "deliveries",
             {{"program",
               cast({"1 pub-sub-envelope/publisher --quiet --bind * --interval 0",
                     "= pub-sub-envelope/subscriber --quiet --connect @0 --count" + n(count)},
                    many(count))},
              {"raw PUB and SUB",
               cast({"1 " + raw + "pub * 16 2", "= " + raw + "sub @0" + n(count)}, many(count))}},
             {{0, 1, 0.95}}});
        all.back().smoke = true;
    }
    for (const int subscribers : {1, 5, 10, 20}) {
        const int count = 2000000 / (subscribers + 2);
        const auto bare = [&](int threads, int limit, int copies) {
            return cast(Strings{"1- " + raw + "publish *" + s(subscribers) + n(count) + s(threads) +
                                s(limit)} +
                            times(subscribers, "= " + raw + "updates @0" + s(copies) + " 1"),
                        many(count));
        };
        all.push_back(
            {"sync-pub-sub",
             s(subscribers).substr(1) + (subscribers == 1 ? " subscriber" : " subscribers"),
             "deliveries",
             {{"program",
               cast(Strings{"2- sync-pub-sub/publisher --quiet --bind * --sync * --subscribers" +
                            s(subscribers) + " --count" + n(count)} +
                        times(subscribers,
                              "= sync-pub-sub/subscriber --quiet --connect @0 --sync @1"),
                    many(count))},
              {"raw XPUB and SUB", bare(1, 0, 0)}},
             {{0, 1, 0.95}},
             "sync-pub-sub",
             static_cast<double>(subscribers),
             subscribers == 5});
        if (subscribers == 10) {
            auto& row = all.back();
            row.sides.push_back({"naive: a new message and a heap string each", bare(1, 0, 1)});
            row.sides.push_back({"raw, a second I/O thread", bare(2, 0, 0)});
            row.sides.push_back({"raw, high-water mark 1000", bare(1, 1000, 0)});
            row.compared.push_back({0, 2, 1.1});
            row.compared.push_back({1, 2});
            row.compared.push_back({3, 1});
            row.compared.push_back({4, 1});
        }
    }

    // Proxies, under a load that keeps many requests in flight
    const auto proxied = [&](const std::string& proxy, int clients, int flight, int count,
                             int size) {
        return cast({"2 " + proxy, ". " + raw + "echo @1",
                     "= " + raw + "flood @0" + s(clients) + s(flight) + n(count) + s(size)},
                    many(count));
    };
    const std::string own = "ex-req-rep/proxy --quiet --frontend * --backend *",
                      builtin = "ex-req-rep2/proxy --quiet --frontend * --backend *";
    for (const int clients : {1, 8, 64}) {
        const int count = 80000;
        all.push_back(
            {"ex-req-rep",
             s(clients).substr(1) + (clients == 1 ? " client" : " clients") + ", 400 in flight",
             "requests",
             {{"program's own loop", proxied(own, clients, 400, count, 5)},
              {"ex-req-rep2 (zmq_proxy)", proxied(builtin, clients, 400, count, 5)},
              {"one message for each poll",
               proxied(raw + "one-by-one * *", clients, 400, count, 5)},
              {"raw zmq_proxy", proxied(raw + "bare-proxy * *", clients, 400, count, 5)}},
             {{0, 1, 1.0}, {0, 2, 1.6}, {1, 3, 0.95}},
             "proxies",
             static_cast<double>(clients),
             clients == 8});
    }
    for (const int size : {1, 100, 10000, 1000000}) {
        const int count = size > 100000 ? 300 : size > 1000 ? 15000 : 80000;
        const int flight = size > 100000 ? 8 : size > 1000 ? 100 : 400;
        all.push_back({"ex-req-rep",
                       "8 clients, bodies of " + rounded(size) + "B",
                       "requests",
                       {{"program's own loop", proxied(own, 8, flight, count, size)},
                        {"ex-req-rep2 (zmq_proxy)", proxied(builtin, 8, flight, count, size)}},
                       {{0, 1, 1.0}}});
    }

    // Threads
    {
        Row linear{"mt-req-rep", "1 ms of work for each request", "replies", {}, {}, "work"};
        for (const int threads : {1, 2, 4, 8, 16}) {
            // More clients than threads: each thread has a request waiting when it is done.
            const int clients = 2 * threads, count = 150;
            linear.sides.push_back(
                {s(threads).substr(1) + (threads == 1 ? " thread" : " threads"),
                 cast({"1 mt-req-rep/server --quiet --bind * --work 1 --workers" + s(threads),
                       "= mt-req-rep/client --quiet --connect @0 --clients" + s(clients) +
                           " --count" + n(count)},
                      std::int64_t{clients} * many(count))});
            if (threads > 1)
                linear.compared.push_back(
                    {linear.sides.size() - 1, 0, 0.95, 0, static_cast<double>(threads)});
        }
        linear.smoke = true;
        all.push_back(std::move(linear));
    }
    for (const int threads : {1, 2, 4, 8, 16}) {
        const int clients = 8, count = 1500;
        all.push_back(
            {"mt-req-rep",
             s(threads).substr(1) + (threads == 1 ? " thread" : " threads") + ", no work",
             "replies",
             {{"program", cast({"1 mt-req-rep/server --quiet --bind * --workers" + s(threads),
                                "= mt-req-rep/client --quiet --connect @0 --clients" + s(clients) +
                                    " --count" + n(count)},
                               std::int64_t{clients} * many(count))},
              {"raw", cast({"1 " + raw + "mt-server *" + s(threads),
                            "= " + raw + "mt-client @0" + s(clients) + n(count)},
                           std::int64_t{clients} * many(count))}},
             {{0, 1, 0.95}},
             "threads",
             static_cast<double>(threads),
             threads == 2});
    }
    all.push_back({"mt-ready",
                   "500 steps",
                   "steps",
                   {{"program", cast({"= mt-ready/steps --quiet --steps 500"}, 500)},
                    {"raw PAIR and threads", cast({"= " + raw + "steps 500"}, 500)}},
                   {{0, 1, 0.95}}});
    all.back().smoke = true;
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
        std::map<std::int64_t, int> rounds;
        for (const auto& line : subscriber.lines())
            if (line.rfind("received sub1: news ", 0) == 0) ++rounds[std::stoll(line.substr(20))];
        if (rounds.empty()) {
            wrong("pub-sub: nothing received");
            continue;
        }
        // The first round and the last one are not whole; all between them are there, and whole.
        const auto first = rounds.begin()->first, last = rounds.rbegin()->first;
        for (auto round = first + 1; round < last; ++round) lost += names - rounds[round];
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

/// One program from its start to its first message, and from Ctrl-C to its end. Lines as in
/// run_cast(); the one of `program` has a ! in front. The first message is a line with `part` on
/// standard output, of the last process of the cast where `elsewhere`.
void live(Life& life, const Strings& lines, const std::string& part, bool elsewhere = false) {
    using Now = std::chrono::steady_clock;
    const auto since = [](Now::time_point then) {
        return std::chrono::duration<double, std::milli>(Now::now() - then).count();
    };
    std::list<Process> all;
    Strings endpoints;
    Process* it = nullptr;
    Now::time_point start;
    for (const auto& line : lines) {
        Strings words = split(line);
        const bool is_it = words[0][0] == '!';
        const char how = words[0][is_it ? 1 : 0];
        const std::string program = words[1];
        words.erase(words.begin(), words.begin() + 2);
        for (auto& word : words) {
            if (word == "*") word = any_port;
            if (word[0] == '@') word = endpoints.at(static_cast<size_t>(std::stoi(word.substr(1))));
        }
        if (is_it) start = Now::now();
        Process& process = all.emplace_back(program, words);
        if (is_it) it = &process;
        for (int n = how - '0'; n > 0; --n) endpoints.push_back(process.endpoint());
    }
    (elsewhere ? all.back() : *it).wait_for(part);
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
    struct Cast {
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
    const std::vector<Cast> casts = {
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
        {{"!0 mt-ready/steps --steps 500"}, "step"},
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
    for (const auto& [lines, part, elsewhere] : casts) {
        for (const auto& line : lines)
            if (line[0] == '!') all.emplace_back(split(line)[1]);
        for (int round = 0; round < (quick ? 1 : 5); ++round)
            live(all.back(), lines, part, elsewhere);
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
        "| pattern | what | this | beside | ratio, median (min to max) | asked for |\n"
        "| --- | --- | --- | --- | --- | --- |\n";
    for (const auto& ratio : ratios) {
        const auto& row = *ratio.row;
        const auto &a = row.sides[ratio.compared.a], &b = row.sides[ratio.compared.b];
        const std::string factor =
            ratio.compared.factor == 1 ? "" : rounded(ratio.compared.factor) + " times ";
        const std::string middle = format("%.2f", ratio.middle);
        table += "| " + row.group + " | " + row.what + ", " + row.unit + " | " + a.name + ": " +
                 shown(row, a) + " | " + factor + b.name + ": " + shown(row, b) + " | " +
                 (ratio.met() ? middle : "**" + middle + " falls short**") +
                 format(" (%.2f to ", ratio.low) + format("%.2f) | ", ratio.high) + ratio.target() +
                 " |\n";
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
    runs << "pattern\twhat\tside\tround\tvalue\tunit\n";
    std::map<std::string, std::map<double, const Row*>> figures;
    for (const auto& row : all) {
        for (const auto& side : row.sides)
            for (size_t i = 0; i < side.values.size(); ++i)
                runs << row.group << '\t' << row.what << '\t' << side.name << '\t' << i + 1 << '\t'
                     << side.values[i] << '\t'
                     << (row.reciprocal ? "us/" + row.unit : row.unit + "/s") << '\n';
        if (!row.figure.empty()) figures[row.figure][row.x] = &row;
    }
    std::ofstream compared(folder + "/ratios.tsv");
    compared << "pattern\twhat\tthis\tbeside\tfactor\tmedian\tmin\tmax\ttarget\tmet\n";
    for (const auto& ratio : ratios)
        compared << ratio.row->group << '\t' << ratio.row->what << '\t'
                 << ratio.row->sides[ratio.compared.a].name << '\t'
                 << ratio.row->sides[ratio.compared.b].name << '\t' << ratio.compared.factor << '\t'
                 << ratio.middle << '\t' << ratio.low << '\t' << ratio.high << '\t'
                 << ratio.target() << '\t' << (ratio.met() ? "yes" : "no") << '\n';
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
        for (int round = 0; round < (quick ? 1 : 5); ++round)
            for (auto& side : row.sides) {
                const double rate = side.run();
                side.values.push_back(row.reciprocal ? 1e6 / rate : rate);
            }
        std::printf("[%zu/%zu] %s, %s:", i + 1, all.size(), row.group.c_str(), row.what.c_str());
        for (const auto& compared : row.compared) {
            std::vector<double> values;
            for (size_t k = 0; k < row.sides[0].values.size(); ++k)
                values.push_back(row.sides[compared.a].values[k] /
                                 (row.sides[compared.b].values[k] * compared.factor));
            ratios.push_back({&row, compared, *std::min_element(values.begin(), values.end()),
                              median(values), *std::max_element(values.begin(), values.end())});
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
