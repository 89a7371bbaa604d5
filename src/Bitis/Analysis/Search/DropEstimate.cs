namespace Bitis.Analysis.Search;

/// <summary>Estimates drops from all measured recipes together, since each alone is uncertain.</summary>
/// <remarks>
/// On average, a recipe loses in proportion to the images that it answers otherwise than the float model. A drop is
/// estimated between that line and what was measured: the larger the standard error, the nearer to the line. So the
/// best of many recipes is not simply the luckiest.
/// </remarks>
internal sealed class DropEstimate
{
    /// <summary>Recipes differ from the line by at least this much, in points.</summary>
    private const double LeastSpread = 0.1;

    private readonly double _slope, _variance;

    /// <summary>Fits the line.</summary>
    public DropEstimate(IReadOnlyCollection<SearchPoint> points)
    {
        double squares = points.Sum(point => Math.Pow(Changed(point), 2));
        _slope = squares > 0
            ? Math.Max(points.Sum(point => Changed(point) * point.Choosing.Drop) / squares, 0)
            : 0;
        double spread = points.Average(
            point => Math.Pow(point.Choosing.Drop - (_slope * Changed(point)), 2) - Math.Pow(ErrorOf(point), 2));
        _variance = Math.Max(spread, LeastSpread * LeastSpread);
    }

    /// <summary>A recipe's drop, in points of 100.</summary>
    public double Of(SearchPoint point)
    {
        double error = ErrorOf(point) * ErrorOf(point), line = _slope * Changed(point);
        return line + ((point.Choosing.Drop - line) * _variance / (_variance + error));
    }

    /// <summary>The percentage of images that are answered otherwise.</summary>
    private static double Changed(SearchPoint point) => 100 * (1 - point.Choosing.SameTop1);

    /// <summary>Without a standard error, what was measured counts alone.</summary>
    private static double ErrorOf(SearchPoint point) => point.Choosing.DropError ?? 0;
}
