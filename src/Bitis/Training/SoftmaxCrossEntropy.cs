namespace Bitis.Training;

internal static class SoftmaxCrossEntropy
{
    public static double Loss(ReadOnlySpan<float> logits, ReadOnlySpan<float> target, Span<float> gradient)
    {
        double max = double.NegativeInfinity, sum = 0, mass = 0, dot = 0;
        foreach (float l in logits) max = Math.Max(max, l);
        foreach (float l in logits) sum += Math.Exp(l - max);
        double logSum = max + Math.Log(sum);
        for (int i = 0; i < logits.Length; i++) { mass += target[i]; dot += target[i] * (double)logits[i]; }
        for (int i = 0; i < logits.Length; i++) gradient[i] = (float)(mass * Math.Exp(logits[i] - logSum) - target[i]);
        return mass * logSum - dot;
    }
}
