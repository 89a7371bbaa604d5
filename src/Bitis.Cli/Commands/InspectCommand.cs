using System.CommandLine;
using Bitis.Checkpoints;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Runtimes;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Detection;
using Bitis.Onnx.Reading;
using Bitis.Tensors;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis inspect</c>: shows the contents of a model file, and its problems.</summary>
internal sealed class InspectCommand : BitisCommand
{
    private readonly ModelOptionSet _model;
    private readonly Option<bool> _tensors = new("--tensors") { Description = "Also list all tensors." };
    private readonly Option<bool> _nodes =
        new("--nodes") { Description = "Also list the operators, by the names that --override matches." };

    /// <summary>Creates the command.</summary>
    public InspectCommand(CliContext context)
        : base(
            "inspect",
            "Shows what a model file holds: architecture, parameters, preprocessing, and what is missing or left over.",
            "bitis inspect vim_t.pth --tensors",
            context)
    {
        _model = new ModelOptionSet(this, "FILE");
        Options.Add(_tensors);
        Options.Add(_nodes);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string reference = _model.Reference(arguments);
        string path = ModelReference.Resolve(reference, progress, Context.Cancellation);
        bool listTensors = arguments.GetValue(_tensors), listNodes = arguments.GetValue(_nodes);
        ModelOptions options = _model.Options(arguments);
        return OnnxReader.IsNamedOnnx(path) ? DescribeOnnx(reference, path, options, listTensors, listNodes)
            : QuantizedModel.IsQuantized(path)
            ? Describe(LoadModel(reference, options, progress), listTensors, listNodes)
            : Describe(reference, path, options, listTensors, listNodes);
    }

    private static QuantizedInspection Describe(LoadedModel loaded, bool listTensors, bool listNodes)
    {
        QuantizedModel model = loaded.Quantized!;
        IEnumerable<TensorLine> levels = model.Layers.Where(layer => layer.Value.Weight is not null)
            .Select(layer => (Name: model.Graph[layer.Key].ParameterNames[0], layer.Value.Weight!.Bits))
            .Select(weight => new TensorLine(weight.Name, $"int{weight.Bits}", ShapeOf(model.Graph, weight.Name)));
        IEnumerable<TensorLine> rates = model.Scans.Keys.Select(name => model.Graph[name].ParameterNames[0])
            .Select(name => new TensorLine(name, "int8", ShapeOf(model.Graph, name)));
        IEnumerable<TensorLine> floats = model.Weights.Select(
            weight => new TensorLine(weight.Key, "float32", weight.Value.Shape));
        return new QuantizedInspection(
            loaded.Reference,
            loaded.FileLength,
            ModelSummary.Of(model.Config, model.Graph, model.Preprocessing, model.ClassNames),
            model.Recipe,
            model.Calibration,
            LayerSummary.Of(model),
            model.Scans.Count,
            listTensors
                ? [.. levels.Concat(rates).Concat(floats).OrderBy(tensor => tensor.Name, StringComparer.Ordinal)]
                : null,
            listNodes ? NodeLine.Of(model.Graph) : null);
    }

    private OnnxInspection DescribeOnnx(
        string reference, string path, ModelOptions options, bool listTensors, bool listNodes)
    {
        var contents = OnnxContents.Read(path, Context.Cancellation);
        ModelDescription description = contents.Description;
        options.RequireAgreement(reference, description.Config);
        return new OnnxInspection(
            reference, contents.Length,
            ModelSummary.Of(
                description.Config, contents.Graph, description.Preprocessing, description.ClassNames),
            contents.Recipe, contents.Opset, contents.Domains, contents.Operators, contents.TakesBytes,
            listTensors
                ? [.. contents.Tensors.Select(tensor => new TensorLine(tensor.Name, tensor.Type, tensor.Shape))]
                : null,
            listNodes ? NodeLine.Of(contents.Graph) : null);
    }

    private CheckpointInspection Describe(
        string reference, string path, ModelOptions options, bool listTensors, bool listNodes)
    {
        using Checkpoint checkpoint = VisionModel.OpenCheckpoint(path, options);
        var match = CheckpointMatch.Of(checkpoint, reference, options);
        ModelDetection detection = match.Detection;
        return new CheckpointInspection(
            reference,
            checkpoint.FileLength,
            checkpoint.Format,
            checkpoint.WeightsKey,
            [.. checkpoint.WeightsKeys.Where(key => key != checkpoint.WeightsKey)],
            ModelSummary.Of(detection.Config, match.Graph, detection.Preprocessing, detection.ClassNames),
            detection.Assumptions,
            detection.Notes,
            [.. match.Missing.Select(name => WithReason(checkpoint, name))],
            match.LeftOver,
            match.Misshaped,
            match.Unusable,
            FindNonFinite(checkpoint),
            listTensors
                ? [.. checkpoint.Entries.Select(
                    entry => new TensorLine(entry.Name, $"{entry.DType}".ToLowerInvariant(), entry.Shape))]
                : null,
            listNodes ? NodeLine.Of(match.Graph) : null);
    }

    private static string WithReason(Checkpoint checkpoint, string name) =>
        checkpoint.Unreadable.TryGetValue(name, out string? reason) ? $"{name}: {reason}" : name;

    private List<string> FindNonFinite(Checkpoint checkpoint)
    {
        var names = new List<string>();
        foreach (CheckpointEntry entry in checkpoint.Entries.Where(entry => entry.DType.ConvertsToFloat()))
        {
            Context.Cancellation.ThrowIfCancellationRequested();
            if (Checkpoint.FindNonFinite(checkpoint.Read(entry.Name)) is not null)
                names.Add(entry.Name);
        }
        return names;
    }

    private static Shape ShapeOf(Graph graph, string parameter) =>
        graph.Parameters.First(p => p.Name == parameter).Shape;
}
