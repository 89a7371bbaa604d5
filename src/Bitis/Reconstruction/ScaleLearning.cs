using System.Globalization;

namespace Bitis.Reconstruction;

/// <summary>The steps of the optimizer for one block (JLSS: joint learning of smoothing scale and step size).</summary>
/// <param name="linears">What is learned.</param>
/// <param name="settings">How.</param>
/// <param name="learner">The block.</param>
/// <param name="report">Hears of each step and its loss.</param>
internal sealed class ScaleLearning(
    IReadOnlyList<LearnedLinear> linears, LearningSettings settings, BlockLearner learner, Action<int, double> report)
{
    private double _bestLoss;
    private float[][] _best = [];

    /// <summary>Learns, and leaves the state that is kept in the layers.</summary>
    public BlockRecord Run(int block)
    {
        double before = learner.Run(0, learner.Images, backward: false);
        if (settings.Steps == 0)
            return new BlockRecord(block, before, before, 0, 0);
        Keep(before);
        var optimizer = new ScaleOptimizer(linears, settings);
        int batch = Math.Min(settings.BatchSize ?? learner.Images, learner.Images), first = 0, step = 0;
        bool wholeBatches = batch == learner.Images;
        while (step < settings.Steps)
        {
            int count = Math.Min(batch, learner.Images - first);
            double loss = learner.Run(first, count, backward: true);
            if (!double.IsFinite(loss) || !GradientsAreFinite())
                return GiveUp(block, before, step, loss);
            if (wholeBatches && loss < _bestLoss)
                Keep(loss);
            optimizer.Step(++step);
            first = first + count == learner.Images ? 0 : first + count;
            report(step, loss);
        }
        double after = learner.Run(0, learner.Images, backward: false);
        if (!double.IsFinite(after))
            return GiveUp(block, before, step, after);
        if (!settings.KeepsBest || after <= _bestLoss)
            return new BlockRecord(block, before, after, step, 0);
        Restore();
        return new BlockRecord(block, before, _bestLoss, step, 0);
    }

    private BlockRecord GiveUp(int block, double before, int step, double loss)
    {
        Restore();
        string what = double.IsFinite(loss) ? "a gradient was not finite" : string.Create(CultureInfo.InvariantCulture, $"the loss was {loss}");
        return new BlockRecord(
            block,
            before,
            _bestLoss,
            step,
            0,
            $"block {block}: {what} in step {step + 1}; the best scales before it are kept (loss {_bestLoss:G4}). A lower learning rate may help.");
    }

    private void Keep(double loss)
    {
        _bestLoss = loss;
        _best = [.. Values().Select(values => (float[])values.Clone())];
    }

    private void Restore()
    {
        foreach ((float[] values, float[] best) in Values().Zip(_best))
            best.CopyTo(values, 0);
    }

    private IEnumerable<float[]> Values() => linears.SelectMany(linear => linear.Parameters);

    private bool GradientsAreFinite() => linears.SelectMany(linear => linear.Gradients).All(gradient => System.Numerics.Tensors.TensorPrimitives.IsFiniteAll<float>(gradient));
}
