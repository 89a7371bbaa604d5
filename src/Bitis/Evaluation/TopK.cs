using System.Numerics.Tensors;

namespace Bitis.Evaluation;

/// <summary>The largest of some scores; among equal scores the lowest index comes first.</summary>
internal static class TopK
{
    /// <summary>The index of the largest score.</summary>
    /// <exception cref="BitisException">A score is not a finite number.</exception>
    public static int First(ReadOnlySpan<float> scores)
    {
        RequireFinite(scores);
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
        {
            if (scores[i] > scores[best])
                best = i;
        }
        return best;
    }

    /// <summary>
    /// The indices of the <paramref name="count"/> largest scores, largest first; fewer if there are no more scores.
    /// </summary>
    /// <exception cref="BitisException">A score is not a finite number.</exception>
    public static int[] Indices(ReadOnlySpan<float> scores, int count)
    {
        RequireFinite(scores);
        int[] all = new int[scores.Length];
        for (int i = 0; i < all.Length; i++)
            all[i] = i;
        float[] keys = scores.ToArray();
        Array.Sort(all, (a, b) => keys[b].CompareTo(keys[a]) is var order and not 0 ? order : a.CompareTo(b));
        return all[..Math.Min(count, all.Length)];
    }

    /// <summary>The position that an index has when scores are ordered: 0 for the largest.</summary>
    /// <exception cref="BitisException">A score is not a finite number.</exception>
    public static int Rank(ReadOnlySpan<float> scores, int index)
    {
        RequireFinite(scores);
        int rank = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (scores[i] > scores[index] || (i < index && scores[i] == scores[index]))
                rank++;
        }
        return rank;
    }

    /// <summary>Throws unless all scores are finite, since NaN has no order.</summary>
    private static void RequireFinite(ReadOnlySpan<float> scores)
    {
        if (TensorPrimitives.IsFiniteAll(scores))
            return;
        int index = 0;
        while (float.IsFinite(scores[index]))
            index++;
        throw new BitisException($"The score of class {index} is {scores[index]}; finite numbers were expected.");
    }
}
