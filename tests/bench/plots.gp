# Draws PICTURES/*.svg from the medians in RESULTS/plot-*.tsv, which bench has written:
#   gnuplot -e "results='build/bench'; pictures='docs/performance'" tests/bench/plots.gp
set datafile separator "\t"
set style data linespoints
set grid
set key below maxrows 2
set yrange [0:*]
set format y '%.1s%c'
file(name) = results . '/plot-' . name . '.tsv'
picture(name) = pictures . '/' . name . '.svg'
two = "noenhanced size 900,440 background '#ffffff'"
one = "noenhanced size 560,440 background '#ffffff'"

set terminal svg @two
set output picture('pipelines')
set multiplot layout 1,2
set xlabel 'workers'
set xtics (1, 2, 4, 8)
set ylabel 'tasks a second'
set title 'push-pull'
plot for [i=2:4] file('push-pull') using 1:i title columnheader(i) pt 7 lw 2
set title 'push-pull2'
plot for [i=2:4] file('push-pull2') using 1:i title columnheader(i) pt 7 lw 2
unset multiplot

set output picture('publishing')
set multiplot layout 1,2
set xlabel 'subscribers'
set xtics (1, 5, 10, 20)
set ylabel 'deliveries a second, all subscribers together'
set title 'pub-sub'
plot for [i=2:3] file('pub-sub') using 1:i title columnheader(i) pt 7 lw 2
set title 'sync-pub-sub'
plot for [i=2:3] file('sync-pub-sub') using 1:i title columnheader(i) pt 7 lw 2
unset multiplot

set output picture('threads')
set multiplot layout 1,2
set xlabel 'threads'
set xtics (1, 2, 4, 8, 16)
set ylabel 'replies a second'
set title 'mt-req-rep, 1 ms of work for each request'
plot file('work') using 1:2 title 'program' pt 7 lw 2, \
     '' using 1:3 title 'linear' with lines lw 2 dt 2
set title 'mt-req-rep, no work, 8 clients'
plot for [i=2:3] file('threads') using 1:i title columnheader(i) pt 7 lw 2
unset multiplot

set terminal svg @one
set output picture('proxies')
set xlabel 'clients, 400 requests in flight'
set logscale x
set xtics (1, 8, 64)
set ylabel 'requests a second'
set title 'ex-req-rep and ex-req-rep2'
plot for [i=2:5] file('proxies') using 1:i title columnheader(i) pt 7 lw 2
