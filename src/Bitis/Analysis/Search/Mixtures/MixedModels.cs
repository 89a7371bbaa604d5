using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Analysis.Search.Mixtures;

/// <summary>Quantizes a model with mixtures of one method.</summary>
/// <remarks>
/// A method that only estimates ranges treats each layer and scan alone. So they are quantized once for all bits, and
/// a mixture is put together from them. Other methods quantize each mixture anew.
/// </remarks>
internal sealed class MixedModels
{
    private readonly VisionModel _model;
    private readonly CalibrationSet _images;
    private readonly SearchSpace _space;
    private readonly string _method;
    private readonly int _threads;
    private readonly Dictionary<(string Node, BitWidths Bits), QuantizedLayer> _layers = [];
    private readonly Dictionary<(string Node, int Bits), QuantizedScan> _scans = [];
    private readonly Dictionary<string, QuantizedModel> _learned = [];
    private bool _isPrepared;

    /// <summary>Describes the mixtures.</summary>
    /// <param name="model">The float model, with batch norms folded.</param>
    /// <param name="images">The images that calibrate.</param>
    /// <param name="space">What parts may get.</param>
    /// <param name="method">The method.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    public MixedModels(VisionModel model, CalibrationSet images, SearchSpace space, string method, int threads)
    {
        (_model, _images, _space, _method, _threads) = (model, images, space, method, threads);
        IsPutTogether = new Recipe { Method = method, Scope = space.Scopes.Max() }.Behavior.Learning is null;
    }

    /// <summary>Whether layers and scans are quantized only once.</summary>
    public bool IsPutTogether { get; }

    /// <summary>The recipe of a mixture; null if all of it stays in float32.</summary>
    public Recipe? RecipeOf(IReadOnlyList<int> mixture) => MixedRecipe.Of(_space, mixture, _method);

    /// <summary>The model of a mixture, as <see cref="PostTrainingQuantizer"/> makes it of the recipe.</summary>
    public QuantizedModel Create(
        IReadOnlyList<int> mixture, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        Recipe? recipe = RecipeOf(mixture);
        if (!IsPutTogether && recipe is not null)
            return Learn(recipe, isKept: mixture.Count(choice => choice > 0) > 1, cancellationToken);
        if (IsPutTogether)
            Prepare(progress, cancellationToken);
        else
            _ = _images.Read(cancellationToken).Count(); // for the digest of what stays in float32
        var weights = new Dictionary<string, FloatTensor>(_model.Weights);
        var layers = new Dictionary<string, QuantizedLayer>();
        var scans = new Dictionary<string, QuantizedScan>();
        foreach ((int part, int choice) in mixture.Index())
        {
            foreach ((Node node, BitWidths bits) in _space.Parts[part].Quantized(_space.Choices[part][choice]))
            {
                if (node.Operator.ScanSize is not null)
                    scans.Add(node.Name, _scans[(node.Name, bits.Activations)]);
                else
                    layers.Add(node.Name, _layers[(node.Name, bits)]);
                if (node.Operator.ScanSize is not null || bits.Weights != BitWidths.Float)
                    weights.Remove(node.ParameterNames[0]);
            }
        }
        return new QuantizedModel(
            _model.Config, _model.Preprocessing, _model.ClassNames, recipe ?? new Recipe { Method = _method },
            _images.Digest, weights, layers, scans);
    }

    /// <summary>Quantizes as a whole. Mixtures are needed again when they are timed; single parts are not.</summary>
    private QuantizedModel Learn(Recipe recipe, bool isKept, CancellationToken cancellationToken)
    {
        string key = $"{recipe.Bits} {recipe.Scope} {string.Join(' ', recipe.Overrides)}";
        if (_learned.TryGetValue(key, out QuantizedModel? made))
            return made;
        made = PostTrainingQuantizer.Quantize(
            _model, _images, recipe, new QuantizationOptions { Threads = _threads }, cancellationToken);
        if (isKept)
            _learned.Add(key, made);
        return made;
    }

    private void Prepare(IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        if (_isPrepared)
            return;
        BitWidths[] all =
        [
            .. _space.Choices.SelectMany(list => list).Where(choice => choice.Scope is not null)
                .Select(choice => choice.Bits).Distinct(),
        ];
        foreach ((int done, BitWidths bits) in all.Index())
        {
            progress?.Report(new WorkProgress("quantizing", done, all.Length, $"{_method} {bits}"));
            // The override gives these bits to the first and the last layer, too.
            Scope widest = _space.Scopes.Max();
            var recipe = new Recipe
            {
                Method = _method,
                Bits = bits,
                Scope = widest,
                Overrides = [new SiteOverride("*", bits, widest)],
            };
            QuantizedModel model = PostTrainingQuantizer.Quantize(
                _model, _images, recipe, new QuantizationOptions { Threads = _threads }, cancellationToken);
            foreach ((string name, QuantizedLayer layer) in model.Layers)
                _layers.Add((name, bits), layer);
            foreach ((string name, QuantizedScan scan) in model.Scans)
                _scans.TryAdd((name, bits.Activations), scan);
        }
        _isPrepared = true;
    }
}
