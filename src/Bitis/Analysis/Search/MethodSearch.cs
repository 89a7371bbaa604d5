using System.Text.Json;
using Bitis.Analysis.Search.Measures;
using Bitis.Analysis.Search.Mixtures;
using Bitis.Quantization.Files;
using Bitis.Quantization.Recipes;

namespace Bitis.Analysis.Search;

/// <summary>Searches the mixtures of one method: predicts all of them, and measures those that matter.</summary>
internal sealed class MethodSearch
{
    /// <summary>How many mixtures are measured: to enclose the budget, all along the front, and by exchange.</summary>
    private const int Bisections = 10, Spread = 8, Exchanges = 12;

    /// <summary>An exchange has to save this share of the cost.</summary>
    private const double LeastSaving = 0.003;

    private readonly SearchSettings _settings;
    private readonly SearchSpace _space;
    private readonly SearchAnswers _choosing;
    private readonly SearchFolder _folder;
    private readonly IProgress<WorkProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly string _method;
    private readonly Dictionary<string, SearchPoint> _points = [];
    private readonly double[][] _losses, _bytes;
    private readonly double _floatBytes;
    private readonly LatencyTable _latency;

    /// <summary>Makes the tables: what each choice of each part costs and loses.</summary>
    public MethodSearch(
        VisionModel model, MixedModels models, string method, SearchSettings settings, SearchSpace space,
        SearchAnswers choosing, Func<SearchAnswers> ofParts, SearchFolder folder, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        (Models, _method, _settings, _space, _choosing, _folder, _progress, _cancellationToken) =
            (models, method, settings, space, choosing, folder, progress, cancellationToken);
        _latency = folder.Get(
            $"operations, {method}, {settings.Threads} threads, {string.Join(' ', space.Uniform)}",
            values => LatencyTable.FromValues(space, values), table => table.ToValues(),
            () => LatencyTable.Measure(model, space, models, settings.Threads, progress, cancellationToken));
        _losses = [.. space.Choices.Select(list => new double[list.Count])];
        _bytes = [.. space.Choices.Select(list => new double[list.Count])];
        _floatBytes = folder.Get(
            $"size, {method}", values => values is [_] ? values : null, values => values,
            () => [models.Create(new int[space.Parts.Count], null, cancellationToken).Save(
                Stream.Null, cancellationToken)])[0];
        FillTables(ofParts);
    }

    /// <summary>The models of the mixtures.</summary>
    public MixedModels Models { get; }

    /// <summary>All mixtures that were measured.</summary>
    public IReadOnlyCollection<SearchPoint> Points => _points.Values;

    /// <summary>How many mixtures a search measures at most.</summary>
    public static int MostMixtures(SearchSpace space) => space.Uniform.Count + Bisections + 2 + Spread + Exchanges;

    /// <summary>Measures the recipes without overrides, and the mixtures that may be better.</summary>
    public void Run()
    {
        foreach (int[] uniform in _space.Uniform.Select(_space.UniformMixture))
        {
            if (uniform.Any(choice => choice > 0))
                Measure(uniform);
        }
        IReadOnlyList<FrontPoint> front = [.. ParetoFront.Of(Options()).Where(point => point.Choices.Any(c => c > 0))];
        EncloseBudget(front);
        for (int i = 0; i < Spread; i++)
            Measure(front[i * (front.Count - 1) / (Spread - 1)].Choices);
        for (int i = 0; i < Exchanges && NextExchange() is { } mixture; i++)
            Measure(mixture);
    }

    /// <summary>The options of each part: what it costs and loses.</summary>
    private IReadOnlyList<IReadOnlyList<PartOption>> Options() =>
    [
        .. _space.Choices.Select((list, part) => (IReadOnlyList<PartOption>)
        [
            .. list.Select((_, choice) => new PartOption(CostOf(part, choice), _losses[part][choice])),
        ]),
    ];

    private double CostOf(int part, int choice) => _settings.Cost == SearchMeasure.Size
        ? _bytes[part][choice]
        : _latency.Ms[part][choice];

    private double CostOf(IReadOnlyList<int> mixture) => _settings.Cost == SearchMeasure.Size
        ? _floatBytes + mixture.Select((choice, part) => _bytes[part][choice]).Sum()
        : _latency.Predict(mixture);

    private double LossOf(IReadOnlyList<int> mixture) =>
        mixture.Select((choice, part) => _losses[part][choice]).Sum();

    private void FillTables(Func<SearchAnswers> ofParts)
    {
        SearchAnswers? answers = null;
        int all = _space.Choices.Sum(list => list.Count - 1), done = 0;
        for (int part = 0; part < _space.Parts.Count; part++)
        {
            for (int choice = 1; choice < _space.Choices[part].Count; choice++)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                _progress?.Report(new WorkProgress(
                    "parts alone", done++, all,
                    $"{_method} {_space.Parts[part].Name}={_space.Choices[part][choice]}"));
                int[] alone = _space.Alone(part, choice);
                IReadOnlyList<double> values = _folder.Get(
                    $"alone, {NameOf(alone)}", values => values is [_, _] ? values : null, values => values,
                    () =>
                    {
                        QuantizedModel model = Models.Create(alone, _progress, _cancellationToken);
                        return [
                            (answers ??= ofParts()).Measure(model, _cancellationToken).Loss,
                            model.Save(Stream.Null, _cancellationToken),
                        ];
                    });
                (_losses[part][choice], _bytes[part][choice]) = (values[0], values[1] - _floatBytes);
            }
        }
    }

    /// <summary>Narrows down where the front begins to keep the budget.</summary>
    private void EncloseBudget(IReadOnlyList<FrontPoint> front)
    {
        int low = 0, high = front.Count - 1;
        Measure(front[low].Choices);
        Measure(front[high].Choices);
        for (int i = 0; i < Bisections && high - low > 1; i++)
        {
            int middle = (low + high) / 2;
            bool fits = _settings.Fits(Measure(front[middle].Choices));
            // Along the front, costs rise and drops fall.
            if (fits == (_settings.Goal != SearchMeasure.Drop))
                high = middle;
            else
                low = middle;
        }
    }

    /// <summary>
    /// The most promising mixture that differs in one part from one that was measured; null if none is promising.
    /// </summary>
    /// <remarks>Its drop is estimated from that of its neighbour and from the difference of the losses.</remarks>
    private int[]? NextExchange()
    {
        double slope = Slope();
        SearchPoint? best = _settings.Best(_points.Values);
        (double mostCost, double mostDrop) = _settings.Goal == SearchMeasure.Drop
            ? (_settings.Budget.Limit, best?.Value(SearchMeasure.Drop) ?? double.PositiveInfinity)
            : (best?.Value(_settings.Cost) * (1 - LeastSaving) ?? double.PositiveInfinity, _settings.Budget.Limit);
        var promising = new List<(int[] Mixture, double Cost, double Drop)>();
        foreach (SearchPoint point in _points.Values)
        {
            for (int part = 0; part < _space.Parts.Count; part++)
            {
                for (int choice = 0; choice < _space.Choices[part].Count; choice++)
                {
                    int[] mixture = [.. point.Mixture];
                    mixture[part] = choice;
                    double cost = CostOf(mixture);
                    double drop = point.Value(SearchMeasure.Drop) + (slope * (LossOf(mixture) - point.Loss));
                    if (cost <= mostCost && drop <= mostDrop && mixture.Any(c => c > 0)
                        && !_points.ContainsKey(KeyOf(mixture)))
                    {
                        promising.Add((mixture, cost, drop));
                    }
                }
            }
        }
        return promising.Count == 0
            ? null
            : promising.MinBy(entry => _settings.Goal == SearchMeasure.Drop ? entry.Drop : entry.Cost).Mixture;
    }

    /// <summary>Points of drop for each unit of loss, by least squares over all measured mixtures.</summary>
    private double Slope()
    {
        double products = _points.Values.Sum(point => point.Loss * point.Value(SearchMeasure.Drop));
        double squares = _points.Values.Sum(point => point.Loss * point.Loss);
        return squares > 0 ? Math.Max(products / squares, 0) : 0;
    }

    private SearchPoint Measure(IReadOnlyList<int> mixture)
    {
        string key = KeyOf(mixture);
        if (_points.TryGetValue(key, out SearchPoint? point))
            return point;
        _cancellationToken.ThrowIfCancellationRequested();
        _progress?.Report(new WorkProgress("mixtures", _points.Count, MostMixtures(_space), _method));
        IReadOnlyList<double> values = _folder.Get(
            $"mixture, {NameOf(mixture)}",
            values => values.Count > 0 && QualityOf(values) is not null ? values : null,
            values => values,
            () =>
            {
                QuantizedModel model = Models.Create(mixture, _progress, _cancellationToken);
                AnswerQuality quality = _choosing.Measure(model, _cancellationToken);
                return [model.Save(Stream.Null, _cancellationToken), .. quality.ToValues()];
            });
        point = new SearchPoint(
            Models.RecipeOf(mixture)!, mixture,
            _space.Uniform.Any(choice => _space.UniformMixture(choice).SequenceEqual(mixture)), LossOf(mixture),
            _latency.Predict(mixture), (long)values[0], QualityOf(values)!);
        _points.Add(key, point);
        var estimate = new DropEstimate(_points.Values);
        foreach ((string each, SearchPoint one) in _points.ToArray())
            _points[each] = one with { EstimatedDrop = estimate.Of(one) };
        return _points[key];
    }

    /// <summary>The answers in what is kept of a mixture, behind the size of its file.</summary>
    private static AnswerQuality? QualityOf(IReadOnlyList<double> values) =>
        AnswerQuality.FromValues([.. values.Skip(1)]);

    private string NameOf(IReadOnlyList<int> mixture) => JsonSerializer.Serialize(
        RecipeDocument.Of(Models.RecipeOf(mixture)!), QuantizedModelJson.Default.RecipeDocument);

    private static string KeyOf(IReadOnlyList<int> mixture) => string.Join(' ', mixture);
}
