// Measures every pattern beside its baseline, the same work in bare calls of libzmq (raw.cpp), and
// what messages cost by size and transport.
//
// Usage: bench [--quick | --write | PATTERN]
//   --quick  the first row of each pattern, once, with few messages, to check the counts
//   --write  also puts the results into docs/performance.md
//
// The sides of a row are processes that are started alike. They alternate, A B A B ... The table
// shows the mean rate of each side over all turns, the ratio of the two, and the quartiles of the
// ratios of the single turns. The rates are what the programs' own summaries say (--quiet). A wrong
// count ends the benchmark with status 1; a low ratio only marks its row.
#include <zmq.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <list>
#include <numeric>
#include <regex>
#include <stdexcept>

#include "process.hpp"

namespace {

std::string text(const char* how, auto... values) {
    char buffer[1000];
    std::snprintf(buffer, sizeof buffer, how, values...);
    return buffer;
}

// What is measured --------------------------------------------------------------------------------

struct Numbers {
    int k;                 // bytes, or how many workers, subscribers, ...
    int n;                 // what each summary should count: enough for some tenths of a second
    double target = 0.95;  // how many times the rate of the second side the first should reach
};

/// A side is processes. Each is `[K] [=] PROGRAM ARGUMENT...`: K of them, or one; with = the
/// summary of each counts, and those that do not count run until the others are done. raw is
/// bench-raw. Arguments: K and N are the numbers of the row, N/8 an eighth of N; * is any port; @0,
/// @1 ... are the endpoints in the order they were printed; % is a folder for keys.
struct Pattern {
    std::string name, what;
    std::vector<Numbers> rows;
    std::vector<Lines> sides;
    std::string second = "baseline";  // what the second side is
};

/// Messages one way between two threads.
std::vector<Pattern> transports() {
    std::vector<Pattern> all;
    for (const std::string endpoint : {"inproc://cost", "ipc://*", "tcp://127.0.0.1:*"}) {
        const std::string cost = "= raw cost " + endpoint;
        all.push_back({endpoint.substr(0, endpoint.find(':')),
                       "bytes: ",
                       {{10, 200000}, {1000, 200000}, {1000000, 1000}},
                       {{cost + " K N N 1"}, {cost + " K N 1 1"}, {cost + " K N N 0"}}});
    }
    return all;
}

Pattern beside(const char* name, const char* what, const std::vector<Numbers>& rows,
               const Lines& program, const Lines& other, const char* second = "baseline") {
    return {name, what, rows, {program, other}, second};
}

std::vector<Pattern> patterns() {
    const auto through = [](const std::string& proxy) {
        return Lines{proxy, "K raw echo @1", "K = raw flood @0 N"};
    };
    const Lines own = through("ex-req-rep/proxy --frontend * --backend *");
    const Lines zmq_proxy = through("ex-req-rep2/proxy --frontend * --backend *");
    const char* const requests = "requests, clients and as many servers: ";
    // More clients than threads: each thread has a request waiting when it is done.
    const auto served_by = [](const std::string& threads) {
        return Lines{"mt-req-rep/server --bind * --work 1 --workers " + threads,
                     "= mt-req-rep/client --connect @0 --clients 32 --count N/32"};
    };
    return {
        beside("req-rep", "round trips, clients: ", {{1, 6000}},
               {"req-rep/server --bind *", "= req-rep/client --connect @0 --count N"},
               {"raw rep *", "= raw req @0 N 1 -1"}),
        beside("retry-req-rep", "round trips, clients: ", {{1, 6000}},
               {"raw rep *", "= retry-req-rep/client --connect @0 --count N"},
               {"raw rep *", "= raw req @0 N 1 1000"}),
        beside("curve-req-rep", "round trips, clients: ", {{1, 6000}},
               {"curve-req-rep/server --bind * --key %server --allow %client.public",
                "= curve-req-rep/client --connect @0 --key %client --server %server.public "
                "--count N"},
               {"raw curve-rep *", "= raw curve-req @0 N"}),
        beside("interrupt", "round trips, clients: ", {{1, 6000}},
               {"interrupt/server --bind *", "= raw req @0 N 1 -1"},
               {"raw rep-and-pipe *", "= raw req @0 N 1 -1"}),
        beside("push-pull", "tasks, workers: ", {{1, 4000000}, {4, 4000000}},
               {"= push-pull/sinker --bind * --count N",
                "push-pull/sender --bind * --count N --workers K",
                "K push-pull/worker --connect @1 --sink @0"},
               {"= raw sinker * N", "raw sender * N K", "K raw worker @1 @0"}),
        beside("push-pull2", "tasks, workers: ", {{1, 4000000}, {4, 4000000}},
               {"= push-pull2/sinker --bind * --control * --count N",
                "push-pull2/sender --bind * --count N --workers K",
                "K push-pull2/worker --connect @2 --sink @0 --control @1"},
               {"= raw sinker2 * * N", "raw sender * N K a", "K raw worker2 @2 @1 @0"}),
        beside("pub-sub", "deliveries, subscribers: ", {{1, 400000}, {20, 40000}},
               {"pub-sub/publisher --bind * --to sub1 --interval 0",
                "K = pub-sub/subscriber --connect @0 --count N"},
               {"raw pub *", "K = raw sub @0 N sub1"}),
        beside("pub-sub-envelope", "deliveries, subscribers: ", {{1, 400000}, {20, 40000}},
               {"pub-sub-envelope/publisher --bind * --interval 0",
                "K = pub-sub-envelope/subscriber --connect @0 --key= --count N"},
               {"raw pub-envelope *", "K = raw sub-envelope @0 N"}),
        beside("sync-pub-sub", "deliveries, subscribers: ", {{1, 700000}, {20, 90000}},
               {"sync-pub-sub/publisher --bind * --sync * --subscribers K --count N",
                "K = sync-pub-sub/subscriber --connect @0 --sync @1"},
               {"raw publish * * K N", "K = raw updates @0 @1"}),
        beside("ex-req-rep", requests, {{1, 200000}, {8, 50000}}, own, zmq_proxy,
               "ex-req-rep2 (zmq_proxy)"),
        beside("ex-req-rep", requests, {{1, 200000, 1.6}, {8, 50000, 1.6}}, own,
               through("raw one-by-one * *"), "one message a poll"),
        beside("ex-req-rep2", requests, {{1, 200000}, {8, 50000}}, zmq_proxy,
               through("raw proxy * * 0")),
        beside("mt-req-rep", "replies without work, threads: ", {{1, 9600}, {4, 9600}, {16, 9600}},
               {"mt-req-rep/server --bind * --workers K",
                "= mt-req-rep/client --connect @0 --clients 8 --count N/8"},
               {"raw proxy * inproc://workers K", "= raw req @0 N/8 8 -1"}),
        beside("mt-req-rep", "replies after 1 ms of work, threads: ",
               {{4, 960, 3.8}, {16, 960, 15.2}}, served_by("K"), served_by("1"), "1 thread"),
        beside("mt-ready", "steps: ", {{400, 400}}, {"= mt-ready/steps --steps N"},
               {"= raw steps N"})};
}

// Measuring ---------------------------------------------------------------------------------------

/// Runs the processes of a side, and returns the sum of the rates that count.
double rate(const Lines& side, const Numbers& numbers) {
    std::list<Process> all;
    std::vector<Process*> counting;
    Lines endpoints;
    static const Folder keys;  // that the programs of curve-req-rep make
    const auto value = [&](const std::string& word) {
        if (word == "*") return any_port;
        if (word == "K") return std::to_string(numbers.k);
        if (word == "N") return std::to_string(numbers.n);
        if (word.starts_with("N/")) return std::to_string(numbers.n / std::stoi(word.substr(2)));
        if (word.starts_with("%")) return keys.path(word.substr(1));
        if (word.starts_with("@")) return endpoints.at(std::stoul(word.substr(1)));
        return word;
    };
    for (const auto& line : side) {
        static const std::regex form("(K )?(= )?(raw )?(.*)");
        std::smatch match;
        std::regex_match(line, match, form);
        std::string command = match[3].matched ? "tests/bench-raw " : "";
        for (const auto& word : words_of(match[4])) command += value(word) + " ";
        if (!match[3].matched) command += "--quiet";
        for (int n = match[1].matched ? numbers.k : 1; n > 0; --n) {
            Process& process = all.emplace_back(command);
            for (auto i = std::count(command.begin(), command.end(), '*'); i > 0; --i)
                endpoints.push_back(process.endpoint());
            if (match[2].matched) counting.push_back(&process);
        }
    }
    double sum = 0;
    for (Process* const process : counting) {
        static const std::regex summary("(\\d+) .* in ([0-9.]+) s, \\d+/s");
        std::smatch match;
        const int status = process->wait();
        const std::string line = process->last_line();
        if (status != 0 || !std::regex_match(line, match, summary) ||
            std::stoi(match[1]) != numbers.n)
            throw std::runtime_error(text("WRONG: %d expected: ", numbers.n) + line);
        sum += numbers.n / std::max(std::stod(match[2]), 1e-6);
    }
    return sum;
}

using Rates = std::vector<std::vector<double>>;  // of each side, one a turn

bool quick = false;

/// Measures these patterns, or one of them, and returns the table, if any.
std::string measure(const std::vector<Pattern>& patterns, const std::string& only,
                    std::string (*row)(const Pattern&, const Numbers&, const Rates&),
                    const char* header) {
    std::string table;
    for (const auto& pattern : patterns)
        for (auto numbers : pattern.rows) {
            if (!only.empty() && only != pattern.name) continue;
            if (pattern.name == "curve-req-rep" && zmq_has("curve") != 1) continue;
            if (quick) numbers.n = std::min(numbers.n, 2000);
            std::printf("%s, %s%d\n", pattern.name.c_str(), pattern.what.c_str(), numbers.k);
            Rates rates(pattern.sides.size());
            for (int turns = quick ? 1 : 15; turns > 0; --turns)
                for (size_t i = 0; i < rates.size(); ++i)
                    rates[i].push_back(rate(pattern.sides[i], numbers));
            table += row(pattern, numbers, rates);
            if (quick) break;
        }
    return table.empty() ? "" : header + table;
}

// Results -----------------------------------------------------------------------------------------

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string ratio(const std::vector<double>& a, const std::vector<double>& b) {
    return text("%.2f", mean(a) / mean(b));
}

/// The quartiles of the ratios of the single turns: "0.97, 1.02".
std::string quartiles(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> all;
    for (size_t n = 0; n < a.size(); ++n) all.push_back(a[n] / b[n]);
    std::sort(all.begin(), all.end());
    return text("%.2f, %.2f", all[all.size() / 4], all[all.size() * 3 / 4]);
}

/// Three digits are all that a measure is worth: 1.23 M, 45.6 k, 789.
std::string rounded(double value) {
    for (const char* const unit : {"", "k", "M"}) {
        if (value < 999.5) return text("%.3g %s", value, unit);
        value /= 1000;
    }
    return text("%.3g G", value);
}

std::string table_row(const Lines& cells) {
    std::string row = "|";
    for (const auto& cell : cells) row += " " + cell + " |";
    return row + "\n";
}

std::string cost_row(const Pattern& transport, const Numbers& numbers, const Rates& rates) {
    const double most = mean(rates[0]);
    return table_row({transport.name, rounded(numbers.k) + "B", rounded(most),
                      rounded(most * numbers.k) + "B", "times " + ratio(rates[1], rates[0]),
                      "times " + ratio(rates[2], rates[0])});
}

std::string ratio_row(const Pattern& pattern, const Numbers& numbers, const Rates& rates) {
    std::string result = ratio(rates[0], rates[1]);
    if (std::stod(result) < numbers.target) result = "**" + result + " misses it**";
    return table_row({pattern.name, pattern.what + std::to_string(numbers.k),
                      "program: " + rounded(mean(rates[0])) + "/s",
                      pattern.second + ": " + rounded(mean(rates[1])) + "/s",
                      result + " (" + quartiles(rates[0], rates[1]) + ")",
                      text("%.2f", numbers.target)});
}

std::string machine() {
    Shell facts(
        "echo $(date -u +%F): $(getconf _NPROCESSORS_ONLN) cores of"
        " $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)");
    facts.wait();
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    return "Measured on " + facts.last_line() +
           text(", libzmq %d.%d.%d, compiler %s, Release.\n", major, minor, patch, __VERSION__);
}

}  // namespace

int main(int argc, char** argv) try {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const std::string argument = argc > 1 ? argv[1] : "";
    quick = argument == "--quick";
    const bool write = argument == "--write";
    const std::string only = quick || write ? "" : argument;

    std::string results =
        measure(transports(), only, cost_row,
                "\n| transport | message | messages a second | bytes a second | "
                "one message a poll | not copied |\n| --- | --- | --- | --- | --- | --- |\n");
    results += measure(patterns(), only, ratio_row,
                       "\n| pattern | what | this | beside | ratio (quartiles) | target |\n"
                       "| --- | --- | --- | --- | --- | --- |\n");
    if (results.empty()) throw std::runtime_error("no such pattern: " + only);
    if (quick) return 0;
    results = machine() + results;
    std::printf("\n%s", results.c_str());
    if (write) {  // to the end of the page, after its mark
        const std::string path = SOURCE_DIR "/docs/performance.md", mark = "<!-- results -->\n\n";
        const std::string page = read_file(path);
        std::ofstream(path) << page.substr(0, page.find(mark)) << mark << results;
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
}
