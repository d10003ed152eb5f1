% paper_protocol GIVEN FOUND: the paper's protocol under GNU Octave, timed by Octave's own clock.
%
% K-means of its own for every metric: silhouette (squared Euclidean) on K 2…k_max, Calinski-Harabasz
% on the best of 5 replicates, sum of squared distances from K = 1. GIVEN holds values (traces in
% rows), n_epochs, k_max, seed, metrics (a cell of names); FOUND gets seconds, labels and values of
% each metric.

1;

function labels = labels_of (values, k, n_replicates)
  labels = kmeans (values, k, "Replicates", n_replicates, "MaxIter", 100, ...
                   "EmptyAction", "singleton", "Start", "plus");
endfunction

function value = judged (metric, values, labels, k)
  ssd = 0;
  for c = 1:k
    members = values(labels == c, :);
    ssd += sum (sumsq (members - mean (members, 1)));
  endfor
  switch metric
    case "SS"
      s = silhouette (values, labels);
      close all;              % Octave draws them whether asked to or not
      value = mean (s);
    case "CH"
      total = sum (sumsq (values - mean (values, 1)));
      value = ((total - ssd) / (k - 1)) / (ssd / (rows (values) - k));
    otherwise
      value = ssd;
  endswitch
endfunction

warning ("off", "all");
pkg load statistics;
set (0, "defaultfigurevisible", "off");
arguments = argv ();
given = load (arguments{end - 1});
rand ("twister", given.seed);  % randi draws from it too
randn ("twister", given.seed);
found = struct ("n_epochs", given.n_epochs);
for m = 1:numel (given.metrics)
  metric = given.metrics{m};
  first = 2 - strcmp (metric, "SSD");
  n_replicates = 1 + 4 * strcmp (metric, "CH");
  labels = [];
  values = [];
  start = tic ();
  for k = first:given.k_max
    for epoch = 1:given.n_epochs
      own = labels_of (given.values, k, n_replicates);
      labels(:, end + 1) = own;
      values(end + 1) = judged (metric, given.values, own, k);
    endfor
  endfor
  found.(["seconds_" metric]) = toc (start);
  found.(["labels_" metric]) = labels;
  found.(["values_" metric]) = values;
endfor
save ("-v7", arguments{end}, "-struct", "found");
